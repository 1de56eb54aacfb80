-- +goose Up

-- Rollouts of images and firmware campaigns are one thing: machines in waves. due: when it
-- is to be looked after; never, when nothing of it is in motion.
CREATE TABLE fleet (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('rollout', 'campaign')),
    name         text COLLATE "C" NOT NULL,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    digest       text NOT NULL,
    spec         jsonb NOT NULL,
    order_sealed text NOT NULL,
    due          timestamptz,
    lease_owner  text NOT NULL,
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    version      bigint NOT NULL,
    UNIQUE (kind, name)
);
CREATE INDEX fleet_due ON fleet (due) WHERE due IS NOT NULL;
INSERT INTO fleet (id, kind, name, state, digest, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
SELECT id, 'rollout', name, replace(state, 'aborted', 'cancelled'), coalesce(spec->>'digest', ''),
    replace(replace(replace(spec::text, '"state": "deploying"', '"state": "running"'), '"state": "deployed"', '"state": "done"'), '"state": "aborted"', '"state": "cancelled"')::jsonb || '{"kind": "rollout"}',
    order_sealed, due, '', created_at, created_at, version FROM rollout;
INSERT INTO fleet (id, kind, name, state, digest, spec, order_sealed, due, lease_owner, lease_until, created_at, version)
SELECT id, 'campaign', name, state, '',
    (spec - 'targets' - 'rollout')
        || jsonb_build_object('kind', 'campaign', 'members', replace((spec->'targets')::text, '"wave": 0, ', '"wave": 0, "canary": true, ')::jsonb,
            'terms', replace((spec->'rollout')::text, '"halt": ', '"max_failures": ')::jsonb,
            'file', coalesce(spec->'rollout'->>'file', ''), 'downgrade', coalesce((spec->'rollout'->>'downgrade')::boolean, false)),
    '', due, '', created_at, created_at, version FROM campaign;

-- A fleet has one operation for each machine, whichever server asks for it.
CREATE TABLE fleet_operation (
    fleet_id     uuid NOT NULL REFERENCES fleet ON DELETE CASCADE,
    machine_id   uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (fleet_id, machine_id)
);
CREATE INDEX fleet_operation_operation ON fleet_operation (operation_id);
INSERT INTO fleet_operation SELECT rollout_id, machine_id, operation_id FROM rollout_operation;
INSERT INTO fleet_operation SELECT c.id, o.machine_id, o.id FROM campaign c CROSS JOIN jsonb_array_elements(c.spec->'targets') AS t
    JOIN operation o ON o.id::text = t->>'operation' ON CONFLICT DO NOTHING;
DROP TABLE rollout_operation, rollout, campaign;

-- +goose Down

CREATE TABLE campaign (
    id          uuid PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'cancelled')),
    spec        jsonb NOT NULL,
    due         timestamptz,
    lease_owner text NOT NULL,
    lease_until timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    version     bigint NOT NULL
);
CREATE INDEX campaign_due ON campaign (due) WHERE due IS NOT NULL;
CREATE TABLE rollout (
    id           uuid PRIMARY KEY,
    name         text COLLATE "C" NOT NULL UNIQUE,
    state        text NOT NULL CHECK (state IN ('running', 'paused', 'halted', 'done', 'aborted')),
    spec         jsonb NOT NULL,
    order_sealed text NOT NULL,
    due          timestamptz,
    lease_owner  text NOT NULL,
    lease_until  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    version      bigint NOT NULL
);
CREATE INDEX rollout_due ON rollout (due) WHERE due IS NOT NULL;
CREATE TABLE rollout_operation (
    rollout_id   uuid NOT NULL REFERENCES rollout ON DELETE CASCADE,
    machine_id   uuid NOT NULL REFERENCES machine ON DELETE CASCADE,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    PRIMARY KEY (rollout_id, machine_id)
);
CREATE INDEX rollout_operation_operation ON rollout_operation (operation_id);
DROP TABLE fleet_operation, fleet;
