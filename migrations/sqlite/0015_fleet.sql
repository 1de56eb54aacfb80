-- +goose Up

-- Rollouts of images and firmware campaigns are one thing: machines in waves. due: when it
-- is to be looked after; never, when nothing of it is in motion.
CREATE TABLE fleet (
    id           text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('rollout', 'campaign')),
    name         text NOT NULL,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    digest       text NOT NULL,
    spec         text NOT NULL,
    order_sealed text NOT NULL,
    due          integer,
    lease_owner  text NOT NULL,
    lease_until  integer NOT NULL,
    created_at   integer NOT NULL,
    version      integer NOT NULL,
    UNIQUE (kind, name)
) STRICT;
CREATE INDEX fleet_due ON fleet (due) WHERE due IS NOT NULL;
INSERT INTO fleet (id, kind, name, state, digest, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
SELECT id, 'rollout', name, replace(state, 'aborted', 'cancelled'), coalesce(json_extract(spec, '$.digest'), ''),
    json_set(replace(replace(replace(spec, '"state":"deploying"', '"state":"running"'), '"state":"deployed"', '"state":"done"'), '"state":"aborted"', '"state":"cancelled"'), '$.kind', 'rollout'),
    order_sealed, due, '', created_at, created_at, version FROM rollout;
INSERT INTO fleet (id, kind, name, state, digest, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
SELECT id, 'campaign', name, state, '',
    json_set(json_remove(spec, '$.targets', '$.rollout'), '$.kind', 'campaign', '$.members', json(replace(json_extract(spec, '$.targets'), '"wave":0,', '"wave":0,"canary":true,')),
        '$.terms', json(replace(json_extract(spec, '$.rollout'), '"halt":', '"max_failures":')),
        '$.file', coalesce(json_extract(spec, '$.rollout.file'), ''), '$.downgrade', json(CASE WHEN json_extract(spec, '$.rollout.downgrade') THEN 'true' ELSE 'false' END)),
    '', due, '', created_at, created_at, version FROM campaign;

-- A fleet has one operation for each machine, whichever server asks for it.
CREATE TABLE fleet_operation (
    fleet_id     text NOT NULL REFERENCES fleet ON DELETE CASCADE,
    machine_id   text NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (fleet_id, machine_id)
) STRICT;
CREATE INDEX fleet_operation_operation ON fleet_operation (operation_id);
INSERT INTO fleet_operation SELECT rollout_id, machine_id, operation_id FROM rollout_operation;
INSERT OR IGNORE INTO fleet_operation SELECT c.id, o.machine_id, o.id FROM campaign c, json_each(c.spec, '$.targets') t
    JOIN operation o ON o.id = json_extract(t.value, '$.operation');
DROP TABLE rollout_operation;
DROP TABLE rollout;
DROP TABLE campaign;

-- +goose Down

CREATE TABLE campaign (
    id          text PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    spec        text NOT NULL,
    due         integer,
    lease_owner text NOT NULL,
    lease_until integer NOT NULL,
    created_at  integer NOT NULL,
    version     integer NOT NULL
) STRICT;
CREATE INDEX campaign_due ON campaign (due) WHERE due IS NOT NULL;
CREATE TABLE rollout (
    id           text PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'aborted')),
    spec         text NOT NULL,
    order_sealed text NOT NULL,
    due          integer,
    lease_owner  text NOT NULL,
    lease_until  integer NOT NULL,
    created_at   integer NOT NULL,
    version      integer NOT NULL
) STRICT;
CREATE INDEX rollout_due ON rollout (due) WHERE due IS NOT NULL;
CREATE TABLE rollout_operation (
    rollout_id   text NOT NULL REFERENCES rollout ON DELETE CASCADE,
    machine_id   text NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id text NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (rollout_id, machine_id)
) STRICT;
CREATE INDEX rollout_operation_operation ON rollout_operation (operation_id);
DROP TABLE fleet_operation;
DROP TABLE fleet;
