// The parts of cel.expr.Expr (a protobuf message) that are looked at.
export type Expr = { readonly id: bigint; readonly exprKind: ExprKind };
export type ExprKind =
  | { case: 'constExpr'; value: { constantKind: { case: string; value: unknown } } }
  | { case: 'identExpr'; value: { name: string } }
  | { case: 'selectExpr'; value: { operand?: Expr; field: string; testOnly: boolean } }
  | { case: 'callExpr'; value: { target?: Expr; function: string; args: Expr[] } }
  | { case: 'listExpr'; value: { elements: Expr[] } }
  | {
      case: 'structExpr';
      value: { messageName: string; entries: { keyKind: { case: string; value: unknown }; value?: Expr }[] };
    }
  | {
      case: 'comprehensionExpr';
      value: {
        iterVar: string;
        iterVar2?: string;
        accuVar: string;
        iterRange?: Expr;
        accuInit?: Expr;
        loopCondition?: Expr;
        loopStep?: Expr;
        result?: Expr;
      };
    }
  | { case: undefined };

/** An expression as plain JSON. */
export type CompiledExpression = { readonly [field: string]: unknown };

/** What JSON can't say, 64-bit numbers, bytes and the numbers beyond, is text there. */
export function compileExpression(expr: Expr): CompiledExpression {
  return JSON.parse(
    JSON.stringify(expr, (key, value) => {
      if (key === '$typeName') return undefined;
      if (isConstant(value)) return { case: value.case, value: textOf(value.value) };
      return typeof value === 'bigint' ? Number(value) : value;
    }),
  );
}

/** The expression as the library wants it. */
export function expressionOf(compiled: CompiledExpression): Expr {
  return revived(compiled) as Expr;
}

function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object' || value === null) return value;
  if (isConstant(value)) return { case: value.case, value: constantOf(value.case, value.value as string) };
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'id' ? BigInt(item) : revived(item)]),
  );
}

type Constant = { readonly case: ConstantCase; readonly value: unknown };
type ConstantCase = 'int64Value' | 'uint64Value' | 'doubleValue' | 'bytesValue';

function isConstant(value: unknown): value is Constant {
  return ['int64Value', 'uint64Value', 'doubleValue', 'bytesValue'].includes(Object(value).case);
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return Object.is(value, -0) ? '-0' : String(value);
}

function constantOf(kind: ConstantCase, text: string): unknown {
  switch (kind) {
    case 'int64Value':
    case 'uint64Value':
      return BigInt(text);
    case 'doubleValue':
      return Number(text);
    case 'bytesValue':
      return new Uint8Array(Buffer.from(text, 'base64'));
    default:
      return kind satisfies never;
  }
}
