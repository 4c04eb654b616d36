-- What agents and people found worth remembering. `space` says whose it is: `agent:<name>`, `project:<name>`, `global:`.
create table memory (
  id          uuid primary key,
  tenant      text not null,
  space       text not null,
  text        text not null,
  metadata    jsonb not null,
  -- Of the text without differences in white space: the same text in the same space is one memory.
  hash        bytea not null,
  created_at  bigint not null,
  updated_at  bigint not null,
  created_by  text not null,
  used_at     bigint,
  uses        integer not null default 0,
  expires_at  bigint,
  -- The words of the text, and one more that stands for tenant and space, so that the index searches one space alone.
  -- What joins words to names and paths counts as a space.
  lexemes     tsvector not null generated always as (
    to_tsvector('english', translate(text, '/._:@#', '      '))
    || array_to_tsvector(array[tenant || chr(31) || space])) stored,
  constraint memory_space check (space ~ '^(agent:.+|project:.+|global:)$'),
  constraint memory_once unique (tenant, space, hash)
) with (fillfactor = 85);
create index memory_newest on memory (tenant, space, id);
create index memory_expiry on memory (expires_at) where expires_at is not null;
-- Without its list of pending entries, which every search would read from end to end.
create index memory_lexemes on memory using gin (lexemes) with (fastupdate = off);

-- What a text means to a model, as a direction in a space of so many dimensions. Apart from the memory, so that counting
-- its uses touches no index. Plain arrays, which every PostgreSQL has: where the extension `vector` is there, an index is
-- made over them when it pays.
create table memory_embedding (
  memory_id   uuid primary key references memory (id) on delete cascade,
  tenant      text not null,
  space       text not null,
  -- The model that made it; empty: none did yet, or none has to.
  model       text not null,
  dimensions  integer not null,
  -- Of length 1.
  embedding   real[],
  constraint memory_embedding_whole check (
    (model = '') = (embedding is null) and dimensions = coalesce(array_length(embedding, 1), 0))
);
alter table memory_embedding alter column embedding set storage external;
create index memory_embedding_space on memory_embedding (tenant, space, model, memory_id);
-- For what is to be embedded anew because it was by another model, or none.
create index memory_embedding_model on memory_embedding (model, memory_id);
