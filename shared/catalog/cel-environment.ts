import type { CelEnv } from '@bufbuild/cel';
import { cel } from './cel-library.ts';
import { ownFunctions } from './own-functions.ts';

let environment: CelEnv | undefined;

/** CEL's standard functions and {@link ownFunctions}. */
export function celEnvironment(): CelEnv {
  environment ??= newEnvironment();
  return environment;
}

function newEnvironment(): CelEnv {
  const { CelScalar, celEnv, celFunc } = cel();
  const types = { boolean: CelScalar.BOOL, text: CelScalar.STRING, anything: CelScalar.DYN };
  return celEnv({
    funcs: [...ownFunctions].map(([name, { look, yields }]) =>
      // They see only their arguments: the variable that it looks at is the second.
      celFunc(
        name,
        [CelScalar.STRING, CelScalar.DYN],
        types[yields],
        (argument, value) => look(value, argument) as never,
      ),
    ),
  });
}
