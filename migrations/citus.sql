-- Distributes the tables over the nodes of a Citus cluster: all rows of a user live on one node. `migrate --citus` runs
-- this after the migrations, as one transaction; it may be repeated.
DO $$
DECLARE
    complaints text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'This database lacks the extension citus.' USING
            ERRCODE = 'undefined_object',
            HINT = 'On every node: shared_preload_libraries = ''citus'', then CREATE EXTENSION citus in this database. '
                'On the coordinator: SELECT citus_add_node(''<worker>'', 5432);';
    END IF;
    -- Triggers run on the workers, whose sessions do not know the search_path of this one.
    IF current_schema() <> 'public' THEN
        RAISE EXCEPTION 'The tables are in the schema "%".', current_schema() USING
            HINT = 'On Citus they must be in public: remove `schema` from the URL.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary') THEN
        RAISE EXCEPTION 'No node of this Citus cluster takes shards.' USING
            HINT = 'SELECT citus_add_node(''<worker>'', 5432);';
    END IF;
    SELECT string_agg(COALESCE(nodename || ':' || nodeport, 'this node') || ': ' || result, '; ') INTO complaints
        FROM run_command_on_all_nodes('SHOW citus.enable_unsafe_triggers') AS nodes
        LEFT JOIN pg_dist_node USING (nodeid)
        WHERE NOT (success AND result = 'on');
    IF complaints IS NOT NULL THEN
        RAISE EXCEPTION 'citus.enable_unsafe_triggers is not on everywhere (%).', complaints USING
            HINT = 'On each of these nodes: ALTER SYSTEM SET citus.enable_unsafe_triggers = on; '
                'SELECT pg_reload_conf(); The triggers here only touch rows of the same user, so of the same shard.';
    END IF;
END;
$$;

-- Each table is copied while the others are locked, which the default, parallel mode refuses.
SET LOCAL citus.multi_shard_modify_mode = 'sequential';
SET LOCAL citus.enable_unsafe_triggers = on;
-- Citus' own notices are not for operators; INFO is sent regardless.
SET LOCAL client_min_messages = warning;

-- The functions of the migrations, for triggers that fire on a shard: Citus plans each statement on a distributed
-- table, and such a statement cannot read a transition table. It can read arrays of its rows, and `= ANY(users)` tells
-- Citus that no other shard is involved. A statement that changes no rows fires triggers as well; then the arrays are
-- null.
CREATE OR REPLACE FUNCTION "ChatSession_note_insert"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    users text[];
    ids text[];
BEGIN
    SELECT array_agg("userId"), array_agg("id") INTO users, ids FROM inserted;
    IF users IS NULL THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM unnest(users, ids) AS noted ("userId", "id") JOIN "Tombstone" AS tombstone
            ON tombstone."userId" = noted."userId" AND tombstone."sessionId" = noted."id"
        WHERE tombstone."userId" = ANY(users)
    ) THEN
        PERFORM "Tombstone_refuse"();
    END IF;
    INSERT INTO "Outbox" ("userId", "sessionId", "change")
        SELECT "userId", "id", 'created' FROM unnest(users, ids) AS noted ("userId", "id");
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION "ChatSession_note_update"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    users text[];
    ids text[];
    changes text[];
BEGIN
    SELECT array_agg("userId"), array_agg("id"), array_agg("change") INTO users, ids, changes
        FROM (
            SELECT "userId", "id",
                CASE bool_and("isArchived") WHEN bool_or("isArchived") THEN 'updated' ELSE 'archived' END AS "change"
            FROM (
                SELECT "userId", "id", "isArchived" FROM updated
                UNION ALL
                SELECT "userId", "id", "isArchived" FROM before
            ) AS both_versions GROUP BY "userId", "id"
        ) AS noted;
    IF users IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO "Outbox" ("userId", "sessionId", "change")
        SELECT "userId", "id", "change" FROM unnest(users, ids, changes) AS noted ("userId", "id", "change");
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION "ChatMessage_move_version"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    users text[];
    ids text[];
BEGIN
    -- Readers never see search keys.
    IF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (
            SELECT FROM (
                SELECT "userId", "sessionId", "id", "role", "body"::text, "sequence", "createdAt" FROM changed
                UNION ALL
                SELECT "userId", "sessionId", "id", "role", "body"::text, "sequence", "createdAt" FROM before
            ) AS both_versions
            GROUP BY "userId", "sessionId", "id", "role", "body", "sequence", "createdAt" HAVING count(*) = 1
        ) THEN
            RETURN NULL;
        END IF;
    END IF;
    SELECT array_agg("userId"), array_agg("sessionId") INTO users, ids
        FROM (SELECT DISTINCT "userId", "sessionId" FROM changed) AS touched;
    IF users IS NULL THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM unnest(users, ids) AS touched ("userId", "id") JOIN "ChatSession" AS session
            ON session."userId" = touched."userId" AND session."id" = touched."id"
        WHERE session."userId" = ANY(users) AND session.xmin <> pg_current_xact_id()::xid
    ) THEN
        UPDATE "ChatSession" AS session SET "version" = "version"
            FROM unnest(users, ids) AS touched ("userId", "id")
            WHERE session."userId" = ANY(users) AND session."userId" = touched."userId"
                AND session."id" = touched."id" AND session.xmin <> pg_current_xact_id()::xid;
    END IF;
    RETURN NULL;
END;
$$;

-- Keeps a user's shard on this node until the end of the transaction, or fails if it has moved away: a move waits for
-- ShareLock (5), which only the owner may take.
CREATE OR REPLACE FUNCTION "hold_shard"(shard bigint) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM lock_shard_metadata(5, ARRAY[shard]);
    IF NOT EXISTS (SELECT FROM pg_dist_placement JOIN pg_dist_local_group USING (groupid) WHERE shardid = shard) THEN
        RAISE serialization_failure USING MESSAGE = 'the shard has moved to another node';
    END IF;
END;
$$;

-- Runs a statement about one user on that user's shard, which is on this node: plain Postgres plans it, and its $1 is
-- the array of its parameters.
CREATE OR REPLACE FUNCTION "on_shard"(owner text, statement text, given text[]) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    name text;
    result record;
    results integer;
BEGIN
    -- The service sets this on its own connections, but not on those from the coordinator to this node.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'default_transaction_isolation is % on a node, and must be read committed.',
            current_setting('transaction_isolation') USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM "hold_shard"(get_shard_id_for_distribution_column('"ChatSession"', owner));
    FOREACH name IN ARRAY ARRAY['ChatSession', 'ChatMessage', 'Outbox', 'Tombstone'] LOOP
        statement := replace(statement, quote_ident(name),
            quote_ident(name || '_' || get_shard_id_for_distribution_column(quote_ident(name), owner)));
    END LOOP;
    EXECUTE statement INTO result USING given;
    GET DIAGNOSTICS results = ROW_COUNT;
    RETURN CASE WHEN results > 0 THEN row_to_json(result) END;
END;
$$;

DO $$
DECLARE
    entry record;
    known record;
BEGIN
    FOR entry IN SELECT * FROM (VALUES (1, 'ChatSession', 'default'), (2, 'ChatMessage', '"ChatSession"'),
        (3, 'Outbox', '"ChatSession"'), (4, 'Tombstone', '"ChatSession"'), (5, 'WebhookDelivery', '"ChatSession"')) AS entries ("rank", "table", "beside")
        ORDER BY "rank"
    LOOP
        SELECT * INTO known FROM citus_tables WHERE table_name = quote_ident(entry."table")::regclass;
        IF NOT FOUND THEN
            -- Copying is not a change, so the triggers must not note it.
            EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', entry."table");
            PERFORM create_distributed_table(quote_ident(entry."table"), 'userId', colocate_with => entry."beside");
            EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', entry."table");
            RAISE INFO 'Distributed "%".', entry."table";
        ELSIF known.distribution_column <> 'userId' THEN
            RAISE EXCEPTION '"%" is distributed by "%", and must be by "userId".',
                entry."table", known.distribution_column;
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM citus_tables WHERE table_name = '"WebhookReceiver"'::regclass) THEN
        PERFORM create_reference_table('"WebhookReceiver"');
        RAISE INFO 'Copied "WebhookReceiver" to every node.';
    END IF;
    -- The coordinator still has the originals, which deleting a session would leave behind.
    PERFORM truncate_local_data_after_distributing_table(quote_ident("table"))
        FROM unnest(ARRAY['ChatSession', 'Outbox', 'Tombstone', 'WebhookDelivery']) AS "table";
    -- Citus propagates the functions that triggers call only if it was installed before they were created.
    PERFORM create_distributed_function('"Tombstone_refuse"()');
    PERFORM create_distributed_function('"WebhookDelivery_queue"(text, text[], text[])');
    IF NOT EXISTS (
        SELECT FROM pg_dist_object
        WHERE objid = 'on_shard(text, text, text[])'::regprocedure AND distribution_argument_index IS NOT NULL
    ) THEN
        PERFORM create_distributed_function('hold_shard(bigint)');
        PERFORM create_distributed_function('on_shard(text, text, text[])', 'owner', '"ChatSession"', true);
    END IF;
END;
$$;
