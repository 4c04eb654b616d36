-- State documents: versioned JSON that agents and people share, in projects. Contents are `json`: kept as they came.

create table state_project (
  tenant      text not null,
  project     text not null,
  -- No version of a document that was deleted and forgotten is above it, so that no version is ever given twice.
  floor       bigint not null default 0,
  created_at  bigint not null,
  primary key (tenant, project)
);

-- The newest version of each document. One that was deleted stays as a row without content until it is forgotten.
create table state_document (
  tenant      text not null,
  project     text not null,
  path        text not null,
  version     bigint not null,
  deleted     boolean not null,
  content     json,
  bytes       integer not null,
  written_at  bigint not null,
  written_by  text not null,
  -- The highest fencing token that came with a write, by the name of its lock.
  fences      json,
  primary key (tenant, project, path),
  constraint state_document_content check (deleted = (content is null))
) with (fillfactor = 80);
create index state_document_deleted on state_document (written_at) where deleted;

-- The versions before the newest one.
create table state_version (
  tenant      text not null,
  project     text not null,
  path        text not null,
  version     bigint not null,
  deleted     boolean not null,
  content     json,
  bytes       integer not null,
  written_at  bigint not null,
  written_by  text not null,
  primary key (tenant, project, path, version)
);

-- For those who follow the changes of one project.
create index event_state on event (tenant, (data->>'project'), seq) where type in ('state.written', 'state.deleted');
