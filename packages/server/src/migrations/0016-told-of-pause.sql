-- The lease whose attempt was told that a pausing budget is reached. What it gives back because of that is not a failure,
-- though the budget may have been raised by then.
alter table task add column paused_lease uuid;
