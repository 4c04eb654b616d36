/**
 * The slots of an agent: at most `size` handlers run at once. Whoever finds none free waits in line. `begin`
 * answers false where it no longer wants the slot.
 */
export class Slots {
  readonly #size: number;
  readonly #line: (() => boolean)[] = [];
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#line.length;
  }

  take(begin: () => boolean): void {
    this.#line.push(begin);
    this.#serve();
  }

  free(): void {
    this.#taken--;
    this.#serve();
  }

  #serve(): void {
    while (this.#taken < this.#size) {
      const begin = this.#line.shift();
      if (begin === undefined) return;
      this.#taken++;
      if (!begin()) this.#taken--;
    }
  }
}
