/** What a shell would run, as far as it can be told without running it. */
export interface SplitCommand {
  /** The words of each simple command, without quotes, in order; those inside of substitutions, too. */
  commands: string[][];
  /** Something whose effect can't be judged from the words: a substitution, a here-document, writing into a file. */
  isOpaque: boolean;
}

const mostCommandChars = 100_000;
/** After `>`: where nothing is written. */
const harmlessTargets = new Set(["/dev/null", "/dev/stdout", "/dev/stderr", "&1", "&2"]);

interface Reader {
  text: string;
  at: number;
  commands: string[][];
  words: string[];
  /** Null between words. */
  word: string | null;
  isOpaque: boolean;
}

/**
 * Splits a line of shell into its simple commands, for rules such as `Bash(git *)`. It follows quotes and operators and no
 * more: variables stay as they are, and what it can't follow makes the line opaque, so that a rule that allows does not
 * match it. Rules keep a well-meaning model on its way; what stops one that means harm is the sandbox.
 */
export function splitCommand(text: string): SplitCommand {
  const reader: Reader = {
    text,
    at: 0,
    commands: [],
    words: [],
    word: null,
    isOpaque: text.length > mostCommandChars,
  };
  if (!reader.isOpaque) while (reader.at < text.length) step(reader);
  endCommand(reader);
  return { commands: reader.commands, isOpaque: reader.isOpaque };
}

function step(reader: Reader): void {
  const char = reader.text[reader.at]!;
  if (char === "'") singleQuoted(reader);
  else if (char === '"') doubleQuoted(reader);
  else if (char === "\\") escaped(reader);
  else if (char === ">" || char === "<") redirection(reader);
  else plain(reader, char);
}

function plain(reader: Reader, char: string): void {
  const at = reader.at++;
  if (isSubstitution(reader.text, at)) {
    reader.isOpaque = true;
    endCommand(reader);
    if (char === "$") reader.at++;
  } else if (char === " " || char === "\t") endWord(reader);
  else if (char === "#" && reader.word === null) skipComment(reader);
  else if (";&|()\n\r`".includes(char)) endCommand(reader);
  else reader.word = (reader.word ?? "") + char;
}

const isSubstitution = (text: string, at: number): boolean =>
  text[at] === "`" ||
  (text[at] === "$" && (text[at + 1] === "(" || text[at + 1] === "{" || text[at + 1] === "'"));

function singleQuoted(reader: Reader): void {
  const end = reader.text.indexOf("'", reader.at + 1);
  if (end === -1) reader.isOpaque = true;
  const stop = end === -1 ? reader.text.length : end;
  reader.word = (reader.word ?? "") + reader.text.slice(reader.at + 1, stop);
  reader.at = stop + 1;
}

function doubleQuoted(reader: Reader): void {
  const { text } = reader;
  let word = reader.word ?? "";
  let at = reader.at + 1;
  for (; at < text.length && text[at] !== '"'; at++) {
    if (isSubstitution(text, at)) reader.isOpaque = true;
    if (text[at] === "\\" && '"\\$`'.includes(text[at + 1] ?? " ")) at++;
    word += text[at] ?? "";
  }
  if (at >= text.length) reader.isOpaque = true;
  reader.word = word;
  reader.at = at + 1;
}

function escaped(reader: Reader): void {
  const next = reader.text[reader.at + 1];
  // A backslash at the end of a line joins it to the next.
  if (next !== undefined && next !== "\n") reader.word = (reader.word ?? "") + next;
  reader.at += 2;
}

function redirection(reader: Reader): void {
  const match = /^(?:<<<?-?|<\(|>\(|<>|<&|<|>>|>\||>&|>)[ \t]*([^\s;|&()<>'"`$]*|&\d)/.exec(
    reader.text.slice(reader.at, reader.at + 1_000),
  );
  const found = match?.[0] ?? ">";
  const target =
    found.startsWith(">&") && /^\d$/.test(match?.[1] ?? "") ? `&${match?.[1]}` : (match?.[1] ?? "");
  // A number right before it says which stream, and is no word.
  if (reader.word !== null && /^\d$/.test(reader.word)) reader.word = null;
  if (found.endsWith("(")) endCommand(reader);
  else endWord(reader);
  const isReading = /^<[ \t]*[^<(&>\s]/.test(found) || /^<&\d$/.test(found);
  if (!isReading && !harmlessTargets.has(target)) reader.isOpaque = true;
  reader.at += found.length;
}

function skipComment(reader: Reader): void {
  const end = reader.text.indexOf("\n", reader.at);
  reader.at = end === -1 ? reader.text.length : end;
}

function endWord(reader: Reader): void {
  if (reader.word !== null) reader.words.push(reader.word);
  reader.word = null;
}

function endCommand(reader: Reader): void {
  endWord(reader);
  if (reader.words.length > 0) reader.commands.push(reader.words);
  reader.words = [];
}
