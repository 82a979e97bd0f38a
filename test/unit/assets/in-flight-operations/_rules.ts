import { compileCondition } from '../../../../shared/catalog/compile-condition.ts';
import { conditionOf } from '../../../../shared/catalog/condition.ts';
import { type Body, bodyOf } from '../_assets.ts';

/** The operations that a rule set takes to be in flight on an object; an error of an expression is thrown. */
export function inFlight(asset: string, object: Body): string[] {
  return rulesOf(asset)
    .filter(({ holds }) => holds(object))
    .map(({ operation }) => operation);
}

export type Rule = { operation: string; holds: (object: Body) => boolean };

const compiled = new Map<string, Rule[]>();

/** A rule set's rules, in their order. */
export function rulesOf(asset: string): Rule[] {
  const rules = compiled.get(asset) ?? bodyOf(asset).spec.rules.map(compile);
  compiled.set(asset, rules);
  return rules;
}

function compile({ operation, expression }: { operation: string; expression: string }): Rule {
  const result = compileCondition(expression, { variables: 'object' });
  if ('mistakes' in result) throw new Error(`${operation}: ${result.mistakes.join('; ')}`);
  const condition = conditionOf(result.compiled);
  return {
    operation,
    holds: (object) => {
      const outcome = condition.evaluate({ object });
      if (outcome.result === 'error') throw new Error(`${operation}: ${outcome.message}`);
      return outcome.result === 'met';
    },
  };
}

/** An object with these conditions: `conditions({ Available: 'True' })`. */
export function conditions(statuses: Record<string, string>): Body {
  return { status: { conditions: Object.entries(statuses).map(([type, status]) => ({ type, status })) } };
}
