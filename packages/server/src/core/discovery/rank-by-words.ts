/** Words that say nothing of what is to be done. */
const fillers = new Set(
  "a an and any are as at be by can do for from has have how i in into is it its me my of on or our some that the their them this to use used uses we what when which who will with you your".split(
    " ",
  ),
);

/** Endings that do not change what a word is about. The order matters: the longest that fits is taken. */
const endings =
  "izations ization ations ators ation ating ator ated ates ings ate ing ers ies er ed es s e y".split(" ");
const shortestStem = 3;
/** Words of a text that are looked at. */
const mostWords = 2_000;

/** What a text is about: its words without endings, capitals and fillers. `codeReview` and `code_review` are two words. */
export const stemsOf = (text: string): string[] =>
  (
    text
      .replace(/([a-z\d])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
    .slice(0, mostWords)
    .filter((word) => !fillers.has(word))
    .map(stemOf);

const stemOf = (word: string): string => {
  const ending = endings.find((each) => word.endsWith(each) && word.length - each.length >= shortestStem);
  return ending === undefined ? word : word.slice(0, -ending.length);
};

// The usual constants of BM25: how soon a word that is repeated stops counting, and how much long texts are held back.
const saturation = 1.2;
const lengthWeight = 0.75;

/**
 * How well each text fits a query, by BM25: words that few texts have weigh most. 0: not a word in common. All scores
 * are of one query and one set of texts, and mean nothing beside others.
 */
export const rankByWords = (query: string, texts: readonly string[]): number[] => {
  const documents = texts.map(countStems);
  const wanted = [...new Set(stemsOf(query))];
  const mean = documents.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length);
  const weights = wanted.map((stem) => {
    const holders = documents.filter(({ counts }) => counts.has(stem)).length;
    return Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5));
  });
  return documents.map(({ counts, length }) => {
    const held = saturation * (1 - lengthWeight + (lengthWeight * length) / Math.max(1, mean));
    return wanted.reduce((sum, stem, index) => {
      const times = counts.get(stem) ?? 0;
      return sum + (weights[index]! * times * (saturation + 1)) / (times + held);
    }, 0);
  });
};

const countStems = (text: string) => {
  const counts = new Map<string, number>();
  const stems = stemsOf(text);
  for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  return { counts, length: stems.length };
};
