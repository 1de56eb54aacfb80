-- +goose Up

-- What a request did, and a page of the deliveries of one webhook.
CREATE INDEX audit_request ON audit (request_id, seq) WHERE request_id <> '';
CREATE INDEX webhook_delivery_page ON webhook_delivery (webhook_id, id);

-- +goose Down

DROP INDEX webhook_delivery_page;
DROP INDEX audit_request;
