/**
 * A parsed template as plain JSON, so that it can be stored when the program is packaged. It holds no code: the
 * evaluator walks it.
 */
export type TemplateNode =
  | { readonly node: 'text'; readonly text: string; readonly line: number }
  /** `{{x}}` as it is, `{{yaml x}}` as a JSON value on one line. */
  | { readonly node: 'print'; readonly as: 'scalar' | 'yaml'; readonly value: Expression; readonly line: number }
  | {
      readonly node: 'if';
      readonly condition: Expression;
      readonly negated: boolean;
      readonly then: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
      readonly line: number;
    }
  | {
      readonly node: 'each' | 'with';
      readonly over: Expression;
      /** `as |item key|` */
      readonly names: readonly string[];
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
      readonly line: number;
    };

export type Expression =
  | { readonly literal: string | number | boolean | null; readonly line: number }
  /** `up` counts the blocks between here and the one that names `path[0]`; -1 is the root. */
  | {
      readonly path: readonly string[];
      readonly from: 'this' | 'name' | 'data';
      readonly up: number;
      readonly text: string;
      readonly line: number;
    }
  | Call;

export type Call = {
  readonly helper: string;
  readonly args: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  readonly line: number;
};
