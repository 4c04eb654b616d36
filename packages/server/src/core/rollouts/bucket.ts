/** Tasks are told apart by this many buckets, so that weights are whole per cents. */
export const bucketCount = 100;

/**
 * The bucket of a key, always the same: FNV-1a over its UTF-16 units, stirred once more so that keys that differ in
 * their last character only are spread as well.
 */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % bucketCount;
}

/** Whether a bucket is on the candidate's side. Those that are stay there while the weight grows. */
export const isCandidateBucket = (bucket: number, weight: number): boolean => bucket < weight;

/**
 * Whether tasks of a bucket are done once more by the shadow. Taken from the other end than the candidate's buckets,
 * whose tasks the candidate does anyway.
 */
export const isShadowBucket = (bucket: number, share: number): boolean => bucket >= bucketCount - share;

/** What keeps a task on one side. */
export const rolloutKeyOf = (task: { id: string; run_id: string | null; rollout_key: string | null }) =>
  task.rollout_key ?? task.run_id ?? task.id;
