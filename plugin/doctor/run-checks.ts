import { isTroubleOfOne } from '../../shared/kube/trouble.ts';
import { type Check, type Examined, type Finding, notCheckedId, type Severity } from './finding.ts';
import { notChecked, notCheckedMeans } from './not-checked.ts';

/**
 * Everything that the checks find, the worst first.
 *
 * @throws ConnectionError, or ApiError with 401, where nobody can be asked anything any more
 */
export async function runChecks(checks: readonly Check[], examined: Examined): Promise<readonly Finding[]> {
  const found = await Promise.all(checks.map((one) => runCheck(one, examined)));
  return found.flat().sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

async function runCheck({ about, finds, run }: Check, examined: Examined): Promise<readonly Finding[]> {
  try {
    const found = await run(examined);
    return found.map(({ id, severity, ...said }): Finding => {
      const declared = id === notCheckedId ? notCheckedMeans : finds[id];
      if (declared === undefined) throw new Error(`internal error: the check of ${about} doesn't declare ${id}`);
      return { id, severity: severity ?? declared.severity, ...said };
    });
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    const { id, ...said } = notChecked(about, error, examined.kubectl);
    return [{ id, severity: notCheckedMeans.severity, ...said }];
  }
}

const severities: readonly Severity[] = ['error', 'warning', 'info'];
