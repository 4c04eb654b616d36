/** Makes directions of texts: texts that mean something similar point in similar directions. */
export interface Embedder {
  /** Which model it is. Only what the same model made can be compared. */
  readonly model: string;
  /**
   * One vector of length 1 for each text, in their order, all of the same number of dimensions. Texts are not empty;
   * what is beyond the length that the model can take is left out of account.
   *
   * Errors: `unavailable` where it can't be done now, `invalid_request` where a text is refused.
   */
  embed(texts: readonly string[]): Promise<number[][]>;
  close(): Promise<void>;
}
