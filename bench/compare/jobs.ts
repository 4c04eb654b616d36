/** One unit of work that does nothing but count. */
export interface Job {
  readonly key: number;
  /** Jobs of the same graph that must have ended before it begins. */
  readonly needs: readonly number[];
}

/** What is handed in together: one submission, one flow, one invocation. */
export type Graph = readonly Job[];

/** What every job carries, about 130 bytes as JSON, the same for every system. */
export const payloadOf = (key: number) => ({
  key,
  text: "a payload of the size of a short instruction to an agent, the same for everybody, a hundred letters long.",
});

/** What every job answers. */
export const answer = { done: true } as const;

/** Jobs that need nobody, in batches. */
export const independentJobs = (count: number, batch: number): Graph[] =>
  Array.from({ length: Math.ceil(count / batch) }, (_, n) =>
    Array.from({ length: Math.min(batch, count - n * batch) }, (_, k) => ({ key: n * batch + k, needs: [] })),
  );

/** Chains of `length` links each. */
export const chains = (count: number, length: number): Graph[] =>
  Array.from({ length: count }, (_, chain) =>
    Array.from({ length }, (_, link) => {
      const key = chain * length + link;
      return { key, needs: link === 0 ? [] : [key - 1] };
    }),
  );

/** One graph: every job of a layer needs `needs` jobs of the layer before. */
export const layers = (depth: number, width: number, needs: number): Graph =>
  Array.from({ length: depth * width }, (_, key) => {
    const layer = Math.floor(key / width);
    const place = key % width;
    const before = Array.from({ length: needs }, (_, k) => (layer - 1) * width + ((place + k * 7) % width));
    return { key, needs: layer === 0 ? [] : before };
  });

/** Trees in which every inner job needs `branches` jobs that nobody else needs. The root has the last key. */
export const trees = (count: number, depth: number, branches: number): Graph[] => {
  let key = 0;
  return Array.from({ length: count }, () => {
    const jobs: Job[] = [];
    const grow = (level: number): number => {
      const needs = level === 0 ? [] : Array.from({ length: branches }, () => grow(level - 1));
      jobs.push({ key, needs });
      return key++;
    };
    grow(depth);
    return jobs;
  });
};

/** Jobs side by side and one more that needs all of them. */
export const fan = (width: number): Graph => [
  ...Array.from({ length: width }, (_, key) => ({ key, needs: [] })),
  { key: width, needs: Array.from({ length: width }, (_, key) => key) },
];
