import type { PlanItem } from '../../../shared/engine/plan-item.ts';
import { ApiError } from '../../../shared/kube/api-error.ts';
import type { Cluster } from '../../../shared/kube/client.ts';
import { ConnectionError } from '../../../shared/kube/connection-error.ts';
import { pluginCommand } from '../../output/plugin-command.ts';
import { check, type Severity } from '../finding.ts';
import { listOf } from '../list-of.ts';

export const alerts = check({
  about: 'alerts',
  finds: {
    'alert-firing': { severity: 'warning', means: 'one of our alerts is firing; a critical one is an error' },
    'alerts-unreachable': {
      severity: 'info',
      means: "no Prometheus could be asked through the API server, so alerts aren't known",
    },
  },
  run: async ({ cluster, plan, kubectl }) => {
    const ours = alertNames(plan.items);
    if (ours.size === 0) return [];
    const services = await cluster.list(
      { apiVersion: 'v1', kind: 'Service' },
      { labelSelector: madeByPrometheusOperator },
    );
    const found = services.answer === 'list' ? services.items : [];
    const answers = await Promise.all(
      found.map(
        async ({ metadata: { namespace = '', name } }) => await firing(cluster, { namespace, name, port: 'web' }),
      ),
    );
    const reached = answers.filter((answer) => typeof answer !== 'string');
    if (reached.length === 0) {
      const why =
        found.length === 0 ? `there is no service with the label ${madeByPrometheusOperator}` : answers.join('; ');
      return [
        {
          id: 'alerts-unreachable',
          what: `no Prometheus could be asked: ${why}`,
          where: 'the cluster',
          fix: `${kubectl} get services -A -l ${madeByPrometheusOperator}`,
          note: 'look at the alerts in the console, or in Alertmanager',
        },
      ];
    }
    return reached.flat().flatMap(({ name, severity, summary, runbook, about }) =>
      ours.has(name)
        ? [
            {
              id: 'alert-firing' as const,
              severity: severityOf(severity),
              what: `${name} is firing${summary === '' ? '' : `: ${summary}`}`,
              where: about,
              fix: pluginCommand(['status'], kubectl),
              ...(runbook !== '' && { note: `runbook: ${runbook}` }),
            },
          ]
        : [],
    );
  },
});

const madeByPrometheusOperator = 'operated-prometheus=true';

/** Of the alerts that the catalog's rules have. */
function alertNames(items: readonly PlanItem[]): ReadonlySet<string> {
  return new Set(
    items
      .flatMap(({ baseline }) => (baseline?.kind === 'PrometheusRule' ? listOf(Object(baseline.spec).groups) : []))
      .flatMap((group) => listOf(Object(group).rules))
      .flatMap((rule) => Object(rule).alert ?? []),
  );
}

type Alert = {
  readonly name: string;
  readonly severity: string;
  readonly summary: string;
  readonly runbook: string;
  /** The object that it is about. */
  readonly about: string;
};

/** The alerts that are firing, or why they aren't known. */
async function firing(
  cluster: Cluster,
  service: { readonly namespace: string; readonly name: string; readonly port: string },
): Promise<readonly Alert[] | string> {
  try {
    const { data } = await cluster.getThroughService(service, '/api/v1/alerts');
    return listOf(Object(data).alerts).flatMap((alert): readonly Alert[] => {
      const { state, labels, annotations } = Object(alert);
      if (state !== 'firing') return [];
      const { alertname, severity, kind, namespace, name } = Object(labels);
      const { summary, runbook_url: runbook } = Object(annotations);
      return [
        {
          name: text(alertname),
          severity: text(severity),
          summary: text(summary),
          runbook: text(runbook),
          about:
            [kind, namespace, name]
              .map(text)
              .filter((part) => part !== '')
              .join('/') || 'the cluster',
        },
      ];
    });
  } catch (error) {
    // What it isn't made for answers in many ways, and a permission is named as for everything else.
    const isPermission = error instanceof ApiError && error.permission !== undefined;
    const isAnswer = error instanceof ApiError || error instanceof ConnectionError;
    if (isPermission || !isAnswer) throw error;
    return `${service.namespace}/${service.name}: ${error instanceof ApiError ? error.serverMessage : error.message}`;
  }
}

function severityOf(label: string): Severity {
  if (label === 'critical') return 'error';
  return label === 'warning' ? 'warning' : 'info';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
