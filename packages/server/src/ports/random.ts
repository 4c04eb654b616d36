/** The only source of chance in core: a number in [0, 1). Seeded in simulations. */
export interface Random {
  next(): number;
}
