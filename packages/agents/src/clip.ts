/** Cuts a text to `length` UTF-16 code units with an ellipsis at its end, never through a surrogate pair. */
export const clip = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
