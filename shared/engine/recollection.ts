import type { Answers, Look } from './answers.ts';
import type { PlannedAsset } from './plan-asset.ts';
import type { PlannedOf } from './surroundings.ts';

/**
 * What one plan worked out, for the next to use again where nothing that led to it is otherwise. It changes what a plan
 * costs, never what it says: a result stands only as long as every input, every answer that was looked up, and every
 * earlier decision that was asked for is the very same object.
 */
export class Recollection {
  readonly #answers: Answers;
  readonly #plannedOf: PlannedOf;
  readonly #earlier: ReadonlyMap<string, Kept>;
  readonly #kept = new Map<string, Kept>();
  #asked: Asked[] = [];

  constructor(answers: Answers, plannedOf: PlannedOf, earlier?: Recollection) {
    this.#answers = answers;
    this.#plannedOf = plannedOf;
    this.#earlier = earlier === undefined ? new Map() : earlier.#kept;
  }

  /** What was decided about another asset; whoever asks while it is worked out depends on it. */
  readonly plannedOf: PlannedOf = (asset) => {
    const planned = this.#plannedOf(asset);
    this.#asked.push({ asset, planned });
    return planned;
  };

  /** The result known by that name, or what `work` comes to, which goes by nothing else than what is said above. */
  of<Result>(name: string, inputs: readonly unknown[], work: () => Result): Result {
    const known = this.#earlier.get(name);
    if (known !== undefined && this.#stands(known, inputs)) {
      this.#kept.set(name, known);
      return known.result as Result;
    }
    this.#asked = [];
    const { result, looks } = this.#answers.traced(work);
    this.#kept.set(name, { inputs, asked: this.#asked, looks, result });
    return result;
  }

  #stands({ inputs, asked, looks }: Kept, now: readonly unknown[]): boolean {
    return (
      inputs.length === now.length &&
      inputs.every((input, index) => input === now[index]) &&
      asked.every(({ asset, planned }) => this.#plannedOf(asset) === planned) &&
      this.#answers.repeat(looks)
    );
  }
}

type Asked = { readonly asset: string; readonly planned: PlannedAsset | undefined };

type Kept = {
  readonly inputs: readonly unknown[];
  readonly asked: readonly Asked[];
  readonly looks: readonly Look[];
  readonly result: unknown;
};
