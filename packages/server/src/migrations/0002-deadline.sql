-- How long a task may take in all, in milliseconds: a retry by hand gives it that long once more.
alter table task add column deadline_ms bigint;
update task set deadline_ms = deadline_at - created_at where deadline_at is not null;
