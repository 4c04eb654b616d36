/**
 * Finds a cycle in a graph of tasks, given as the tasks that each one waits for. Answers with its path, first
 * node repeated at the end, or null. Runs in the number of edges and without recursion, so depth is no matter.
 */
export function findCycle<N>(nodes: Iterable<N>, waitsFor: (node: N) => readonly N[]): N[] | null {
  const done = new Set<N>();
  for (const root of nodes) {
    if (done.has(root)) continue;
    const path: N[] = [root];
    const onPath = new Map<N, number>([[root, 0]]);
    const edges = [waitsFor(root)[Symbol.iterator]()];
    while (path.length > 0) {
      const step = (edges.at(-1) as Iterator<N>).next();
      if (step.done === true) {
        const finished = path.pop() as N;
        onPath.delete(finished);
        edges.pop();
        done.add(finished);
        continue;
      }
      const node = step.value;
      const seenAt = onPath.get(node);
      if (seenAt !== undefined) return [...path.slice(seenAt), node];
      if (done.has(node)) continue;
      onPath.set(node, path.length);
      path.push(node);
      edges.push(waitsFor(node)[Symbol.iterator]());
    }
  }
  return null;
}
