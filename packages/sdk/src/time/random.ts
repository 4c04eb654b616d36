/** The only source of chance of the SDK: a number in [0, 1). Seeded in simulations. */
export interface Random {
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };
