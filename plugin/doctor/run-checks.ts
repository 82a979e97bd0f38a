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
    return found.map((one): Finding => {
      const declared = one.id === notCheckedId ? notCheckedMeans : finds[one.id];
      if (declared === undefined) throw new Error(`internal error: the check of ${about} doesn't declare ${one.id}`);
      return { ...one, severity: one.severity ?? declared.severity };
    });
  } catch (error) {
    if (!isTroubleOfOne(error)) throw error;
    return [{ ...notChecked(about, error, examined.kubectl), severity: notCheckedMeans.severity }];
  }
}

const severities: readonly Severity[] = ['error', 'warning', 'info'];
