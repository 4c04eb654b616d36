import { isNode, LineCounter, parseDocument } from "yaml";

/**
 * Answers the line of a value in a text of YAML or JSON, counted from 1, by the way to it. `above` is how many lines stand
 * before the text. Undefined where it can't be told.
 */
export function createLineOf(
  text: string,
  above = 0,
): (way: readonly (string | number)[]) => number | undefined {
  let find: ((way: readonly (string | number)[]) => number | undefined) | undefined;
  // Read only once somebody asks: most files have nothing to say a line of.
  return (way) => {
    find ??= open(text);
    const line = find(way);
    return line === undefined ? undefined : line + above;
  };
}

function open(text: string): (way: readonly (string | number)[]) => number | undefined {
  try {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "silent",
      uniqueKeys: false,
    });
    return (way) => {
      const node: unknown = document.getIn(way, true);
      const start = isNode(node) ? node.range?.[0] : undefined;
      return start === undefined ? undefined : lines.linePos(start).line;
    };
  } catch {
    return () => undefined;
  }
}
