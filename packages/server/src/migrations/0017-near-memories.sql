-- What meanings are searched by: the signs of an embedding, one bit for each dimension, that say roughly where it points,
-- and its numbers in 16 bits each, which compare as well as the whole ones. Made of `memory_embedding`, and made anew
-- where it is missing, so copies and backups leave it out. Types that every PostgreSQL has: where the extension `vector`
-- is there, the server makes an index over the signs while there are none, and fills both in small steps.
create table memory_near (
  memory_id   uuid primary key references memory_embedding (memory_id) on delete cascade,
  tenant      text not null,
  space       text not null,
  model       text not null,
  dimensions  integer not null,
  signs       bit varying not null,
  -- What one of the numbers in `codes` stands for.
  scale       real not null,
  -- 16 bits for each dimension, the lower ones first.
  codes       bytea not null,
  constraint memory_near_whole check (length(signs) = dimensions and octet_length(codes) = 2 * dimensions)
);
alter table memory_near alter column codes set storage external;
create index memory_near_space on memory_near (tenant, space, model, memory_id);

-- The indexes over whole embeddings that were made at run time: nothing asks them any more, and every write pays for them.
do $$
declare
  old text;
begin
  for old in select c.relname from pg_class c join pg_index i on i.indexrelid = c.oid
    where i.indrelid = 'memory_embedding'::regclass and c.relname ~ '^memory_embedding_near_[0-9]+$'
  loop
    execute format('drop index %I', old);
  end loop;
end $$;
