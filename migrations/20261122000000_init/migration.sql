-- Any other encoding lacks characters that people write, and the encoding of a database cannot be changed.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The encoding of this database is %, and must be UTF8.', current_setting('server_encoding')
            USING HINT = 'Create a new one: CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END;
$$;

-- CreateTable
CREATE TABLE "ChatSession" (
    "userId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "title" TEXT,
    "titleKey" TEXT,
    "isPinned" BOOLEAN NOT NULL DEFAULT false,
    "isArchived" BOOLEAN NOT NULL DEFAULT false,
    "metadata" JSON NOT NULL DEFAULT '{}',
    "version" BIGINT NOT NULL DEFAULT ((EXTRACT(epoch FROM clock_timestamp()) * (1000000)::numeric))::bigint,
    "messageCount" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "ChatSession_pkey" PRIMARY KEY ("userId","id")
);

-- CreateTable
CREATE TABLE "ChatMessage" (
    "userId" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "body" JSON NOT NULL,
    "searchKey" TEXT,
    "sequence" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "ChatMessage_pkey" PRIMARY KEY ("userId","sessionId","id")
);

-- CreateTable
CREATE TABLE "Outbox" (
    "id" BIGSERIAL NOT NULL,
    "userId" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "change" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "Outbox_pkey" PRIMARY KEY ("id","userId")
);

-- CreateTable
CREATE TABLE "Tombstone" (
    "userId" TEXT NOT NULL,
    "sessionId" TEXT NOT NULL,
    "deletedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),

    CONSTRAINT "Tombstone_pkey" PRIMARY KEY ("userId","sessionId")
);

-- CreateTable
CREATE TABLE "WebhookReceiver" (
    "url" TEXT NOT NULL,
    "events" TEXT[],

    CONSTRAINT "WebhookReceiver_pkey" PRIMARY KEY ("url")
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" BIGSERIAL NOT NULL,
    "userId" TEXT NOT NULL,
    "receiver" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "sessionIds" TEXT[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "dueAt" TIMESTAMPTZ(3) NOT NULL DEFAULT transaction_timestamp(),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id","userId")
);

-- CreateIndex
CREATE INDEX "ChatSession_userId_isArchived_isPinned_updatedAt_id_idx" ON "ChatSession"("userId", "isArchived", "isPinned" DESC, "updatedAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "ChatSession_userId_isArchived_updatedAt_id_idx" ON "ChatSession"("userId", "isArchived", "updatedAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "ChatSession_updatedAt_id_idx" ON "ChatSession"("updatedAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "ChatMessage_userId_sessionId_sequence_key" ON "ChatMessage"("userId", "sessionId", "sequence");

-- CreateIndex
CREATE INDEX "Tombstone_deletedAt_idx" ON "Tombstone"("deletedAt");

-- CreateIndex
CREATE INDEX "WebhookDelivery_receiver_dueAt_idx" ON "WebhookDelivery"("receiver", "dueAt");

-- CreateIndex
CREATE INDEX "WebhookDelivery_receiver_userId_id_idx" ON "WebhookDelivery"("receiver", "userId", "id");

-- Rows that still need a search key: nearly always none.
CREATE INDEX "ChatSession_without_titleKey" ON "ChatSession"("userId") WHERE "titleKey" IS NULL AND "title" IS NOT NULL;
CREATE INDEX "ChatMessage_without_searchKey" ON "ChatMessage"("userId") WHERE "searchKey" IS NULL;

-- AddForeignKey
ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_userId_sessionId_fkey" FOREIGN KEY ("userId", "sessionId") REFERENCES "ChatSession"("userId", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- Any update of a session, direct SQL included, gives it a new version. The primary key never changes, because caches,
-- the feed and tombstones refer to it. The search key of a title does not outlive the title.
CREATE FUNCTION "ChatSession_move_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW."userId" <> OLD."userId" OR NEW."id" <> OLD."id" THEN
        RAISE 'a session keeps its user and its id'
            USING HINT = 'Copy it with `chat-sessions export` and `import`, then delete it.';
    END IF;
    IF NEW."title" IS DISTINCT FROM OLD."title" AND NEW."titleKey" IS NOT DISTINCT FROM OLD."titleKey" THEN
        NEW."titleKey" := NULL;
    END IF;
    NEW."version" := OLD."version" + 1;
    RETURN NEW;
END;
$$;

CREATE TRIGGER "ChatSession_version" BEFORE UPDATE ON "ChatSession"
    FOR EACH ROW EXECUTE FUNCTION "ChatSession_move_version"();

-- The search key of a message does not outlive its text.
CREATE FUNCTION "ChatMessage_drop_key"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW."searchKey" := NULL;
    RETURN NEW;
END;
$$;

CREATE TRIGGER "ChatMessage_key" BEFORE UPDATE ON "ChatMessage"
    FOR EACH ROW WHEN (
        NEW."searchKey" IS NOT DISTINCT FROM OLD."searchKey"
        AND (NEW."body"::text <> OLD."body"::text OR NEW."role" <> OLD."role")
    )
    EXECUTE FUNCTION "ChatMessage_drop_key"();

CREATE FUNCTION "Tombstone_refuse"() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING
        MESSAGE = 'a session with this id was deleted',
        DETAIL = 'Key (userId, id) is held by a tombstone.',
        CONSTRAINT = 'Tombstone_pkey';
END;
$$;

-- A connection keeps the plan it made for a trigger's first statement, however few rows that changed. So no plan may
-- become slow with more of them: LIMIT makes Postgres look up each row in an index, and old and new rows are grouped, not
-- joined.

-- After the insert: one that waited for the deletion of the same id sees the tombstone only then.
CREATE FUNCTION "ChatSession_note_insert"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM inserted CROSS JOIN LATERAL (
            SELECT FROM "Tombstone" WHERE "userId" = inserted."userId" AND "sessionId" = inserted."id" LIMIT 1
        ) AS tombstone
    ) THEN
        PERFORM "Tombstone_refuse"();
    END IF;
    INSERT INTO "Outbox" ("userId", "sessionId", "change")
        SELECT "userId", "id", 'created' FROM inserted;
    RETURN NULL;
END;
$$;

CREATE TRIGGER "ChatSession_insert" AFTER INSERT ON "ChatSession"
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_note_insert"();

-- A session that enters or leaves the archive changes the totals of the lists.
CREATE FUNCTION "ChatSession_note_update"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO "Outbox" ("userId", "sessionId", "change")
        SELECT "userId", "id", CASE bool_and("isArchived") WHEN bool_or("isArchived") THEN 'updated' ELSE 'archived' END
        FROM (
            SELECT "userId", "id", "isArchived" FROM updated
            UNION ALL
            SELECT "userId", "id", "isArchived" FROM before
        ) AS both_versions GROUP BY "userId", "id";
    RETURN NULL;
END;
$$;

CREATE TRIGGER "ChatSession_update" AFTER UPDATE ON "ChatSession"
    REFERENCING OLD TABLE AS before NEW TABLE AS updated
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_note_update"();

-- Queues a change for the receivers that want it, up to 500 sessions of a user at a time. Statements on one session wait
-- for each other, so its deliveries have ascending ids.
CREATE FUNCTION "WebhookDelivery_queue"(kind text, users text[], ids text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target text;
BEGIN
    FOR target IN SELECT "url" FROM "WebhookReceiver" WHERE kind = ANY("events") LOOP
        INSERT INTO "WebhookDelivery" ("userId", "receiver", "event", "sessionIds")
            SELECT "userId", target, kind, array_agg("id") FROM (
                SELECT "userId", "id", (row_number() OVER (PARTITION BY "userId") - 1) / 500 AS "part"
                FROM unnest(users, ids) AS changed ("userId", "id")
            ) AS numbered GROUP BY "userId", "part";
    END LOOP;
END;
$$;

-- Writes the notes, tombstones and deliveries of deleted sessions. They are passed in arrays: TRUNCATE has no transition
-- table, so its trigger reads the table itself beforehand, and on Citus a statement on another table cannot read one.
CREATE FUNCTION "ChatSession_note_delete"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    users text[];
    ids text[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT array_agg("userId"), array_agg("id") INTO users, ids FROM deleted;
    -- Each shard of Citus notes its own; the coordinator's table has only copies, made before it was distributed.
    ELSIF TG_TABLE_NAME <> 'ChatSession' OR to_regprocedure('on_shard(text, text, text[])') IS NULL THEN
        EXECUTE format('SELECT array_agg("userId"), array_agg("id") FROM %I', TG_TABLE_NAME) INTO users, ids;
    END IF;
    IF users IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO "Tombstone" ("userId", "sessionId")
        SELECT "userId", "id" FROM unnest(users, ids) AS gone ("userId", "id")
        ON CONFLICT ("userId", "sessionId") DO UPDATE SET "deletedAt" = excluded."deletedAt";
    INSERT INTO "Outbox" ("userId", "sessionId", "change")
        SELECT "userId", "id", 'deleted' FROM unnest(users, ids) AS gone ("userId", "id");
    IF EXISTS (SELECT FROM "WebhookReceiver" WHERE 'session.deleted' = ANY("events")) THEN
        PERFORM "WebhookDelivery_queue"('session.deleted', users, ids);
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER "ChatSession_delete" AFTER DELETE ON "ChatSession"
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_note_delete"();

CREATE TRIGGER "ChatSession_truncate" BEFORE TRUNCATE ON "ChatSession"
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_note_delete"();

-- A change to messages, direct SQL included, changes their session. The API's own statements have already moved its
-- version in the same transaction, which the row's xmin shows; a session that is being deleted is already gone.
CREATE FUNCTION "ChatMessage_move_version"() RETURNS trigger LANGUAGE plpgsql AS $$
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
    -- An update of no row would still fire the triggers of the session.
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT "userId", "sessionId" FROM changed) AS touched CROSS JOIN LATERAL (
            SELECT xmin AS "changer" FROM "ChatSession"
            WHERE "userId" = touched."userId" AND "id" = touched."sessionId" LIMIT 1
        ) AS session WHERE "changer" <> pg_current_xact_id()::xid
    ) THEN
        -- Only direct SQL gets here, with any number of sessions: it is worth a new plan each time.
        EXECUTE '
            UPDATE "ChatSession" SET "version" = "version"
                FROM (SELECT DISTINCT "userId", "sessionId" FROM changed) AS touched
                WHERE "ChatSession"."userId" = touched."userId" AND "ChatSession"."id" = touched."sessionId"
                    AND "ChatSession".xmin <> pg_current_xact_id()::xid
        ';
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER "ChatMessage_insert" AFTER INSERT ON "ChatMessage"
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatMessage_move_version"();

CREATE TRIGGER "ChatMessage_update" AFTER UPDATE ON "ChatMessage"
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatMessage_move_version"();

CREATE TRIGGER "ChatMessage_delete" AFTER DELETE ON "ChatMessage"
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatMessage_move_version"();

CREATE FUNCTION "ChatSession_queue_webhooks"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM "WebhookReceiver" WHERE TG_ARGV[0] = ANY("events")) THEN
        PERFORM "WebhookDelivery_queue"(TG_ARGV[0], array_agg("userId"), array_agg("id")) FROM changed;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER "ChatSession_webhook_insert" AFTER INSERT ON "ChatSession"
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_queue_webhooks"('session.created');

CREATE TRIGGER "ChatSession_webhook_update" AFTER UPDATE ON "ChatSession"
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "ChatSession_queue_webhooks"('session.updated');
