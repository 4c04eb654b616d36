/**
 * Reads Go templates as Helm charts have them: the part of the language that our chart uses. What is not known here
 * is refused and never passed over, so that a chart which renders here means the same to Helm.
 */
export type Operand =
  | { kind: "literal"; value: string | number | boolean }
  /** `.a.b`, `$.a.b` or `$name.a.b`; `variable` is "" for the dot and "$" for the root. */
  | { kind: "path"; variable: string; fields: string[] }
  | { kind: "group"; pipeline: Pipeline }
  | { kind: "function"; name: string };

/** Each stage is a function or a value with its arguments; the result of one is the last argument of the next. */
export type Pipeline = Operand[][];

export type TemplateNode =
  | { kind: "text"; text: string }
  | { kind: "output"; pipeline: Pipeline }
  | { kind: "assign"; variable: string; pipeline: Pipeline }
  | { kind: "if" | "with"; pipeline: Pipeline; body: TemplateNode[]; otherwise: TemplateNode[] }
  | { kind: "range"; variables: string[]; pipeline: Pipeline; body: TemplateNode[] };

export interface ParsedTemplate {
  nodes: TemplateNode[];
  /** What `define` defined, by name. */
  defined: Map<string, TemplateNode[]>;
}

type Piece = { kind: "text"; text: string } | { kind: "action"; words: string[] };

const action = /\{\{(-)?\s*([\s\S]*?)\s*(-)?\}\}/g;
const word = /"(?:[^"\\]|\\.)*"|\$?[A-Za-z_]\w*|\$|-?\d+(?:\.\d+)?|:=|[().,|]|\s+/y;

/** Cuts a template into its texts and its actions; `{{-` and `-}}` eat the white space beside them. */
function cut(source: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let trimNext = false;
  const addText = (text: string, trimEnd: boolean) => {
    let kept = trimNext ? text.trimStart() : text;
    if (trimEnd) kept = kept.trimEnd();
    if (kept !== "") pieces.push({ kind: "text", text: kept });
  };
  for (const match of source.matchAll(action)) {
    addText(source.slice(from, match.index), match[1] !== undefined);
    trimNext = match[3] !== undefined;
    from = match.index + match[0].length;
    pieces.push({ kind: "action", words: wordsOf(match[2] as string) });
  }
  addText(source.slice(from), false);
  return pieces;
}

/** The words of an action. White space stays, as one blank: it tells `.a .b` from `.a.b`. */
function wordsOf(inside: string): string[] {
  const words: string[] = [];
  word.lastIndex = 0;
  while (word.lastIndex < inside.length) {
    const at = word.lastIndex;
    const match = word.exec(inside);
    if (match === null) throw new Error(`not understood: {{ ${inside} }} from ${inside.slice(at)}`);
    words.push(match[0].trim() === "" ? " " : match[0]);
  }
  return words;
}

export function parseTemplate(source: string): ParsedTemplate {
  const pieces = cut(source);
  const defined = new Map<string, TemplateNode[]>();
  let next = 0;

  /** Nodes up to an `else` or `end`, which is the second part of the answer; null at the end of the file. */
  function parseBody(): [TemplateNode[], "else" | "end" | null] {
    const nodes: TemplateNode[] = [];
    for (let piece = pieces[next]; piece !== undefined; piece = pieces[next]) {
      next++;
      if (piece.kind === "text") nodes.push(piece);
      else if (piece.words[0] === "end" || piece.words[0] === "else") {
        if (piece.words.length > 1) throw new Error(`not known here: {{ ${piece.words.join("")} }}`);
        return [nodes, piece.words[0]];
      } else addAction(nodes, piece.words);
    }
    return [nodes, null];
  }

  function parseBlock(): { body: TemplateNode[]; otherwise: TemplateNode[] } {
    const [body, stop] = parseBody();
    if (stop === null) throw new Error("an {{ end }} is missing");
    if (stop === "end") return { body, otherwise: [] };
    const [otherwise, last] = parseBody();
    if (last !== "end") throw new Error("an {{ else }} has no {{ end }}");
    return { body, otherwise };
  }

  function addAction(nodes: TemplateNode[], words: string[]): void {
    const [keyword] = words;
    if (keyword === "define") {
      defined.set(JSON.parse(words[2] ?? "") as string, parseBlock().body);
    } else if (keyword === "if" || keyword === "with") {
      nodes.push({ kind: keyword, pipeline: parsePipeline(words.slice(1)), ...parseBlock() });
    } else if (keyword === "range") {
      const [variables, rest] = takeVariables(words.slice(1));
      const { body, otherwise } = parseBlock();
      if (otherwise.length > 0) throw new Error("not known here: {{ range }} with {{ else }}");
      nodes.push({ kind: "range", variables, pipeline: parsePipeline(rest), body });
    } else {
      const [variables, rest] = takeVariables(words);
      const pipeline = parsePipeline(rest);
      if (variables.length === 0) nodes.push({ kind: "output", pipeline });
      else nodes.push({ kind: "assign", variable: variables[0] as string, pipeline });
    }
  }

  const [nodes, stop] = parseBody();
  if (stop !== null) throw new Error(`an {{ ${stop} }} too many`);
  return { nodes, defined };
}

/** The variables before a `:=`, and the words behind it. */
function takeVariables(words: string[]): [string[], string[]] {
  const at = words.indexOf(":=");
  if (at < 0) return [[], words];
  return [words.slice(0, at).filter((one) => one.startsWith("$")), words.slice(at + 1)];
}

function parsePipeline(words: readonly string[]): Pipeline {
  let next = 0;
  const skipBlanks = () => {
    while (words[next] === " ") next++;
  };

  function parseFields(): string[] {
    const fields: string[] = [];
    while (words[next] === "." && /^[A-Za-z_]/.test(words[next + 1] ?? "")) {
      fields.push(words[next + 1] as string);
      next += 2;
    }
    return fields;
  }

  function parseOperand(): Operand {
    const first = words[next] as string;
    if (first === ".") {
      const fields = parseFields();
      if (fields.length === 0) next++;
      return { kind: "path", variable: "", fields };
    }
    next++;
    if (first === "(") {
      const pipeline = parseStages(")");
      next++;
      return { kind: "group", pipeline };
    }
    if (first.startsWith("$")) return { kind: "path", variable: first, fields: parseFields() };
    if (first.startsWith('"')) return { kind: "literal", value: JSON.parse(first) as string };
    if (/^-?\d/.test(first)) return { kind: "literal", value: Number(first) };
    if (first === "true" || first === "false") return { kind: "literal", value: first === "true" };
    if (/^[A-Za-z]/.test(first)) return { kind: "function", name: first };
    throw new Error(`not understood: ${first} in {{ ${words.join("")} }}`);
  }

  function parseStages(until: string | undefined): Pipeline {
    const stages: Pipeline = [[]];
    for (skipBlanks(); words[next] !== until; skipBlanks()) {
      if (next >= words.length) throw new Error(`a ) is missing in {{ ${words.join("")} }}`);
      if (words[next] === "|") {
        stages.push([]);
        next++;
      } else stages.at(-1)?.push(parseOperand());
    }
    if (stages.some((stage) => stage.length === 0)) throw new Error(`empty: {{ ${words.join("")} }}`);
    return stages;
  }

  return parseStages(undefined);
}
