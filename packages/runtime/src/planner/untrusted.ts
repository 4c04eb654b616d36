/**
 * Goals, descriptions of agents and outputs of steps are texts of others. A model gets them as data: JSON in which no
 * mark can be closed, and of a bounded length.
 */
export const asData = (value: unknown): string =>
  (JSON.stringify(value) ?? "null").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e");

/** Cuts a text to a length without splitting a character. */
export const clipText = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;

/** The JSON of a value, cut to a length; a value that is small enough stays itself. */
export const clipJson = (value: unknown, length: number): unknown => {
  const text = JSON.stringify(value) ?? "null";
  return text.length <= length ? value : `${clipText(text, length)} (cut, ${text.length} characters in all)`;
};
