import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { install, planInstallation } from '../completion/install.ts';
import { shellScripts } from '../completion/shell-scripts.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { Environment } from '../environment.ts';
import { escapeText } from '../output/escape.ts';
import { messagesTo } from '../output/messages.ts';
import { UserError } from '../user-error.ts';

const choices = [...Object.keys(shellScripts), 'install'];

export const completion: Command = {
  usage: 'completion bash|zsh|fish|install [flags]',
  words: [{ of: choices }],
  description: `Has your shell complete commands, options, and the names of assets, features, objects, namespaces and contexts.

"install" is for "kubectl virt-platform": it writes kubectl_complete-virt_platform beside the plugin, where kubectl looks
for it. Your shell needs the completion of kubectl itself, see "kubectl completion --help".
bash, zsh and fish print a script for the plugin called by its own name, kubectl-virt_platform.`,
  examples: [
    { text: 'Complete what follows "kubectl virt-platform"', words: 'completion install' },
    { text: 'Where would that be written?', words: 'completion install --dry-run=client' },
    { text: 'Complete kubectl-virt_platform in this bash', words: 'completion bash > c.bash && source c.bash' },
  ],
  connects: false,
  options: [
    {
      name: 'dir',
      type: 'text',
      placeholder: 'DIR',
      description: 'Of install: another folder of PATH than the one that the plugin is in',
    },
    {
      name: 'dry-run',
      type: 'text',
      choices: ['none', 'client'],
      bare: '',
      description: 'Of install: client only says what would be written, and where',
    },
  ],
  run: async (args, environment) => {
    const [what, extra] = args.words;
    if (what === undefined || !choices.includes(what)) {
      const problem = what === undefined ? 'completion needs to know for what' : `there is no completion for "${what}"`;
      const hint = didYouMean(what ?? '', choices) || `it is one of ${choices.join(', ')}`;
      throw new UserError(`${problem}: ${hint}`);
    }
    if (extra !== undefined) throw new UserError(`completion takes one word, and "${extra}" is another`);
    if (what === 'install') return installed(args, environment);
    const stray = ['dir', 'dry-run'].find((name) => args.given(name));
    if (stray !== undefined)
      throw new UserError(`--${stray} is for "completion install": ${what} only prints a script`);
    environment.stdout.write(shellScripts[what as keyof typeof shellScripts]);
    return 0;
  },
};

function installed(args: Arguments, environment: Environment): number {
  const { stdout, stderr } = environment;
  const plan = planInstallation(environment, { folder: args.text('dir') });
  const isDry = args.text('dry-run') === 'client';
  if (plan.now !== 'same' && !isDry) install(plan, environment);
  const done = plan.now === 'same' ? 'unchanged' : plan.now === 'absent' ? 'created' : 'configured';
  stdout.write(escapeText(`${plan.file} ${done}${isDry ? ' (dry run)' : ''}`).concat('\n'));
  if (!plan.isInPath) messagesTo(stderr).warn('that folder is not in PATH, where kubectl looks: add it');
  return 0;
}
