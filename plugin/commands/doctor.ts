import type { Command } from '../command.ts';
import { checks } from '../doctor/checks.ts';
import { doctorText } from '../doctor/doctor-text.ts';
import { examine } from '../doctor/examine.ts';
import type { Severity } from '../doctor/finding.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { catalogOf, catalogOption } from '../input/catalog.ts';
import { connect } from '../input/connect.ts';
import { type ColourMode, painter } from '../output/colour.ts';
import { escapeText } from '../output/escape.ts';
import { messagesTo } from '../output/messages.ts';
import { safeJson, safeYaml } from '../output/print-manifests.ts';
import { UserError } from '../user-error.ts';

export const doctor: Command = {
  usage: 'doctor [flags]',
  description: `Looks for what keeps the autopilot or you from working: versions, HyperConverged, the controller and its permissions,
your own, CRDs, annotations, overrides past their date, webhooks, GitOps tools, leftovers, alerts. Each finding comes with
a command that puts it right. It changes nothing, and what it may not read it says.

Exits with 1 when there is an error among the findings, with 0 when there is none, and above that when it can't look.`,
  examples: [
    { text: 'What is wrong?', words: 'doctor' },
    {
      text: 'The commands that put errors right',
      words: `doctor -o json | jq -r '.items[] | select(.severity == "error").fix'`,
    },
  ],
  connects: true,
  options: [
    {
      name: 'output',
      short: 'o',
      type: 'text',
      choices: ['json', 'yaml', 'name'],
      description: 'Another format; name: the ids of what was found',
    },
    catalogOption,
  ],
  run: async (args, environment) => {
    const { stdout, stderr, variables } = environment;
    const [word] = args.words;
    if (word !== undefined)
      throw new UserError(`doctor takes no "${word}": it looks at everything; see "doctor --help"`);
    const catalog = await catalogOf(args, environment);
    const cluster = await connect(args, environment, messagesTo(stderr));
    try {
      const findings = await runChecks(checks, await examine(cluster, catalog, args, environment));
      const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
      const format = args.text('output');
      if (format === 'name') {
        stdout.write([...new Set(findings.map(({ id }) => id))].map((id) => `${escapeText(id)}\n`).join(''));
      } else if (format === undefined) {
        const paint = painter((args.text('color') ?? 'auto') as ColourMode, stdout, variables);
        stdout.write(doctorText(findings, { paint, checks: checks.length }));
      } else {
        const summary = { error: count('error'), warning: count('warning'), info: count('info') };
        const report = { apiVersion: 'virt-platform/v1', kind: 'Doctor', summary, items: findings };
        stdout.write(format === 'json' ? safeJson(report) : safeYaml(report));
      }
      return count('error') > 0 ? 1 : 0;
    } finally {
      cluster.close();
    }
  },
};
