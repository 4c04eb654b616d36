/** Words that nearly every description has; they tell nobody which agent is meant. */
const common = new Set(
  `about across after agent agents all also and any are assistant based before best between both build can code complex
  create creating deep during each ensure ensuring every expert expertise following for from handle have help
  helps highly including into its like make management master most must need needs new not only other
  proactively provide providing quality should specialist specialized specializing such tasks task than that the their
  them then these they this those through use used user users uses using via was when where which while who will with
  work working write writing you your`.split(/\s+/),
);

/** The telling words of a text, in lower case, most frequent first and then in the order in which they come. */
export function wordsOf(text: string): string[] {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}][\p{L}\p{N}+#]{2,}/gu)) {
    if (!common.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([word]) => word);
}
