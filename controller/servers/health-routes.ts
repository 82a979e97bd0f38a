import type { Answer, Route } from './respond.ts';
import type { HealthCheck, View } from './view.ts';

/**
 * `/livez`, `/readyz` and `/healthz`, in the words of an API server's: `ok`, or with `?verbose`, and whenever something
 * is wrong, every check on a line.
 *
 * @see https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export function healthRoutes({ live, ready }: Pick<View, 'live' | 'ready'>): readonly Route[] {
  const route = (name: string, about: string, checks: readonly HealthCheck[]): Route => ({
    path: `/${name}`,
    about,
    answer: ({ query }) => verdict(name, checks, query.has('verbose')),
  });
  return [
    route('livez', 'whether the process is of use at all', live),
    route('readyz', 'whether it does its work; ?verbose lists each check', ready),
    route('healthz', 'the same as /livez', live),
  ];
}

/** Each check and what is wrong with it; one that throws has failed. */
export function runChecks(checks: readonly HealthCheck[]): readonly { name: string; problem: string | null }[] {
  return checks.map(({ name, problem }) => {
    try {
      return { name, problem: problem() ?? null };
    } catch (error) {
      return { name, problem: error instanceof Error ? error.message : String(error) };
    }
  });
}

function verdict(name: string, checks: readonly HealthCheck[], verbose: boolean): Answer {
  const results = runChecks(checks);
  const isOk = results.every(({ problem }) => problem === null);
  if (isOk && !verbose) return { text: 'ok' };
  const lines = results.map((it) => (it.problem === null ? `[+]${it.name} ok` : `[-]${it.name} failed: ${it.problem}`));
  const last = `${name} check ${isOk ? 'passed' : 'failed'}`;
  return { status: isOk ? 200 : 503, text: `${[...lines, last].join('\n')}\n` };
}
