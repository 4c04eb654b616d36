/** The address of one thing of a collection. */
export const pathOf = (collection: string, id: string): string =>
  `/v1/${collection}/${encodeURIComponent(id)}`;
