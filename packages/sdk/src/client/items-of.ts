/** What is in a listing without pages. */
export const itemsOf = async <T>(answer: Promise<{ items: T[] }>): Promise<T[]> => (await answer).items;
