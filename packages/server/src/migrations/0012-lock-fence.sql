-- The sequence of fences goes where its table goes.
alter sequence lock_fence owned by lock.fence;
