import type { CompiledExpression, Expr } from './cel-expression.ts';
import { isMap, type JsonMap } from './json.ts';
import { ownFunctions } from './own-functions.ts';

/**
 * The truth of an expression that only looks at what is there: names, our functions, texts and true, false and null,
 * joined by `==`, `!=`, `in` a map, `!`, `&&` and `||`. Most conditions are no more than that, and short-lived commands
 * have no time to load the CEL library for them.
 *
 * @returns undefined for everything else, a missing field or a value of another type included: CEL decides then
 */
export function evaluateSimply(expression: CompiledExpression, variables: JsonMap): boolean | undefined {
  const value = valueIn(expression as unknown as Expr, variables);
  return typeof value === 'boolean' ? value : undefined;
}

/** Undefined where it isn't simple. */
function valueIn({ exprKind }: Expr, variables: JsonMap): unknown {
  switch (exprKind.case) {
    case 'constExpr': {
      const { case: kind, value } = exprKind.value.constantKind;
      return kind === 'stringValue' || kind === 'boolValue' ? value : kind === 'nullValue' ? null : undefined;
    }
    case 'identExpr':
      return fieldOf(variables, exprKind.value.name);
    case 'selectExpr': {
      const { operand, field, testOnly } = exprKind.value;
      return testOnly || operand === undefined ? undefined : fieldOf(valueIn(operand, variables), field);
    }
    case 'callExpr':
      return exprKind.value.target === undefined ? callOf(exprKind.value, variables) : undefined;
    default:
      return undefined;
  }
}

function callOf({ function: name, args }: { function: string; args: Expr[] }, variables: JsonMap): unknown {
  const [first, second] = args;
  if (first === undefined) return undefined;
  const left = valueIn(first, variables);
  if (name === '!_') return typeof left === 'boolean' ? !left : undefined;
  if (second === undefined) return undefined;
  // The result is known by the left side alone, as in CEL.
  if ((name === '_&&_' && left === false) || (name === '_||_' && left === true)) return left;
  const right = valueIn(second, variables);
  switch (name) {
    case '_&&_':
    case '_||_':
      return args.length === 2 && typeof left === 'boolean' && typeof right === 'boolean' ? right : undefined;
    case '_==_':
      return isEqual(left, right);
    case '_!=_': {
      const equal = isEqual(left, right);
      return equal === undefined ? undefined : !equal;
    }
    case '@in': {
      if (typeof left !== 'string' || !isMap(right)) return undefined;
      // A key with null is none to the library.
      const item = fieldOf(right, left);
      return item === null ? undefined : item !== undefined;
    }
    default: {
      const own = ownFunctions.get(name);
      return own === undefined || typeof left !== 'string' || right === undefined ? undefined : own.look(right, left);
    }
  }
}

function fieldOf(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isEqual(left: unknown, right: unknown): boolean | undefined {
  if (left === null && isMap(right)) return false;
  if (right === null && isMap(left)) return false;
  return isScalar(left) && isScalar(right) ? left === right : undefined;
}

/** Not numbers: CEL has several kinds of them. */
function isScalar(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}
