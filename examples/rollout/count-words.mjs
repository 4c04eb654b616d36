// The new version: counts words as people do, in any script. Reads the input as JSON, prints the output as JSON.
let text = "";
for await (const chunk of process.stdin) text += chunk;
const input = JSON.parse(text);
const segments = new Intl.Segmenter(undefined, { granularity: "word" }).segment(input.text);
const words = [...segments].filter(({ isWordLike }) => isWordLike).length;
process.stdout.write(JSON.stringify({ words }));
