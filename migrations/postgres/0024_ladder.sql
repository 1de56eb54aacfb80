-- +goose Up

-- Which loader the machines of a model are told of where its plan says nothing: the one that worked, or the
-- next to be tried. A model need not be declared.
CREATE TABLE loader_rung (
    model text NOT NULL PRIMARY KEY CHECK (length(model) > 0),
    kind text NOT NULL CHECK (kind IN ('built-in', 'snponly', 'ipxe-signed', 'shim')),
    worked boolean NOT NULL,
    actor text NOT NULL,
    changed_at timestamptz NOT NULL
);

-- +goose Down

DROP TABLE loader_rung;
