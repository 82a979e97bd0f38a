import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assetNamed, type Body, bodyOf, contextOf, unmetConditions } from '../_assets.ts';
import { NodeTree, type Runtime, runtimes } from '../_node-tree.ts';

const script = 'vm-drain-shutdown-inhibitor/vm-drain-shutdown-inhibitor.sh';
const folder = path.resolve(import.meta.dirname, '../../../../assets/machine-config/vm-drain-shutdown-inhibitor');
const annotations = { 'platform.kubevirt.io/enable-vm-drain-shutdown-inhibitor': 'true' };

for (const [name, role] of [
  ['vm-drain-shutdown-inhibitor', 'worker'],
  ['vm-drain-shutdown-inhibitor-master', 'master'],
] as const) {
  const body: Body = bodyOf(name);

  test(`the ${role} pool gets the program, its delay and its unit, uncompressed`, async (t) => {
    const asset = assetNamed(name);
    t.is(asset.target.name.render(contextOf(asset)), `99-${role}-vm-drain-shutdown-inhibitor`);
    t.deepEqual(body.metadata, { labels: { 'machineconfiguration.openshift.io/role': role } });
    const { ignition, storage, systemd } = body.spec.config;
    t.deepEqual(ignition, { version: '3.5.0' });
    for (const [index, [file, source, mode]] of [
      ['/etc/systemd/logind.conf.d/10-inhibit-delay.conf', '10-inhibit-delay.conf', 0o644] as const,
      ['/usr/local/bin/vm-drain-shutdown-inhibitor', 'vm-drain-shutdown-inhibitor.sh', 0o755] as const,
    ].entries()) {
      const { contents, ...rest } = storage.files[index];
      t.deepEqual(rest, { path: file, mode, overwrite: true });
      const [type, base64] = contents.source.split(';base64,');
      t.is(type, 'data:text/plain;charset=utf-8');
      t.deepEqual(Buffer.from(base64, 'base64'), await readFile(path.join(folder, source)));
    }
    t.is(storage.files.length, 2);
    const [{ contents: unit, ...unitFacts }] = systemd.units;
    t.deepEqual(unitFacts, { name: 'vm-drain-shutdown-inhibitor.service', enabled: true });
    for (const line of [
      'Requires=systemd-logind.service dbus.service',
      'Wants=crio.service',
      'After=systemd-logind.service dbus.service crio.service',
      'Type=simple',
      'Restart=on-failure',
      'RestartSec=5s',
      'TimeoutStopSec=150s',
      'WantedBy=multi-user.target',
    ]) {
      t.true(unit.split('\n').includes(line), line);
    }
  });
}

test('it is opt-in, and for masters only where they run workloads', (t) => {
  t.deepEqual(unmetConditions('vm-drain-shutdown-inhibitor'), ["enabled('vm-drain-shutdown-inhibitor')"]);
  t.deepEqual(unmetConditions('vm-drain-shutdown-inhibitor', { annotations }), []);
  t.deepEqual(unmetConditions('vm-drain-shutdown-inhibitor-master', { annotations }), [
    'topology.hasSchedulableMasters',
  ]);
});

test('logind waits as long as the unit has to stop, and longer than one virtual machine has', async (t) => {
  t.is(await readFile(path.join(folder, '10-inhibit-delay.conf'), 'utf8'), '[Login]\nInhibitDelayMaxSec=150\n');
  t.regex(await readFile(path.join(folder, 'vm-drain-shutdown-inhibitor.sh'), 'utf8'), /SHUTDOWN_TIMEOUT_SECONDS:-120/);
});

test('every file beside the asset is used', async (t) => {
  const asset = await readFile(path.join(folder, '../vm-drain-shutdown-inhibitor.yaml.hbs'), 'utf8');
  for (const file of await readdir(folder)) t.true(asset.includes(`"vm-drain-shutdown-inhibitor/${file}"`), file);
});

const signal = (value: boolean) =>
  `{"type":"signal","sender":":1.5","path":"/org/freedesktop/login1","interface":"org.freedesktop.login1.Manager","member":"PrepareForShutdown","payload":{"type":"b","data":[${value}]}}\n`;

type Vm = {
  /** No container, or no domain in it; else a domain of the pod's name. */
  has?: 'no container' | 'no domain';
  /** Which of these commands in its container hangs, and which fails. */
  hangs?: 'list' | 'shutdown' | 'domstate';
  fails?: 'list' | 'shutdown' | 'domstate';
  /** How often its state is asked for before it is off; never, by default at once. */
  asked?: number;
  /** Its container ends when it is off, so that its state can't be asked for. */
  containerEnds?: true;
};

/** A node with virtual machines by pod, fake systemd and a fake container runtime. */
async function node(
  t: ExecutionContext,
  runtime: Runtime,
  vms: Readonly<Record<string, Vm>>,
  bus: { says?: readonly string[]; preparing?: boolean } = {},
): Promise<NodeTree> {
  const tree = await NodeTree.create(t, runtime);
  const { says = [signal(true)], preparing = false } = bus;
  const log = (what: string) => `echo "${what}" >>"${tree.root}/log"`;
  await tree.command(
    'systemd-inhibit',
    `echo "$*" >"${tree.root}/inhibit"\necho $$ >"${tree.root}/lock.pid"\nexec sleep 300`,
  );
  for (const [index, lines] of says.entries()) await tree.write(`bus/${index + 1}`, lines);
  // Each time the bus is listened to it says what comes next; the last time it stays there.
  await tree.command(
    'busctl',
    [
      `if [ "$1" = get-property ]; then echo 'b ${preparing}'; exit; fi`,
      `count=$(($(cat "${tree.root}/listened" 2>/dev/null || echo 0) + 1))`,
      `echo "$count" >"${tree.root}/listened"`,
      `cat "${tree.root}/bus/$count" 2>/dev/null`,
      `[ "$count" -lt ${says.length} ] || exec sleep 300`,
    ].join('\n'),
  );
  await tree.write('pods', Object.keys(vms).join('\n').concat('\n'));
  for (const [pod, { has, hangs, fails, asked = 0, containerEnds }] of Object.entries(vms)) {
    await tree.write(`vm/${pod}/container`, has === 'no container' ? '' : `c-${pod}\n`);
    await tree.write(`vm/${pod}/list`, has === 'no domain' ? '\n' : ` ${pod}-domain \n\n`);
    await tree.write(`vm/${pod}/shutdown`, '');
    await tree.write(`vm/${pod}/asked`, `${asked}\n`);
    if (hangs !== undefined) await tree.write(`vm/${pod}/hangs-${hangs}`, '');
    if (fails !== undefined) await tree.write(`vm/${pod}/fails-${fails}`, '');
    if (containerEnds) await tree.write(`vm/${pod}/ends`, '');
  }
  await tree.command(
    'crictl',
    `vms="${tree.root}/vm"
[ "$1" = --timeout ] && shift 2
case $1 in
  pods) [ "$*" = 'pods --label kubevirt.io=virt-launcher --state Ready --quiet --no-trunc' ] && cat "${tree.root}/pods" ;;
  inspectp) echo "ns/pod-$6" ;;
  ps)
    if [ "$2" = --pod ]; then cat "$vms/$3/container"; else
      vm="$vms/\${3#c-}"
      [ -e "$vm/ends" ] && [ "$(cat "$vm/asked")" -le 0 ] || echo "$3"
    fi ;;
  exec)
    vm="$vms/\${2#c-}"
    if [ -e "$vm/hangs-$4" ]; then exec sleep 300; fi
    if [ -e "$vm/fails-$4" ]; then exit 1; fi
    case $4 in
      list) cat "$vm/list" ;;
      shutdown) ${log('shutdown $5')} ;;
      domstate)
        asked=$(cat "$vm/asked")
        echo $((asked - 1)) >"$vm/asked"
        if [ "$asked" -gt 0 ]; then printf 'running\\n\\n'
        elif [ -e "$vm/ends" ]; then exit 1
        else printf 'shut off\\n\\n'; fi ;;
    esac ;;
  *) exit 64 ;;
esac`,
  );
  return tree;
}

/** Time enough on any machine: nothing waits for it to pass. */
const env = {
  KUBEVIRT_COMMAND_TIMEOUT_SECONDS: '60',
  KUBEVIRT_SHUTDOWN_TIMEOUT_SECONDS: '60',
  KUBEVIRT_POLL_DELAY_SECONDS: '0.1',
};

/** For what hangs; what doesn't has to be done by then. */
const impatient = {
  ...env,
  KUBEVIRT_COMMAND_TIMEOUT_SECONDS: '6',
  KUBEVIRT_SHUTDOWN_TIMEOUT_SECONDS: '10',
};

async function asked(tree: NodeTree): Promise<string[]> {
  return ((await tree.read('log')) ?? '').split('\n').filter(Boolean).sort();
}

async function lockIsHeld(tree: NodeTree): Promise<boolean> {
  try {
    process.kill(Number(await tree.read('lock.pid')), 0);
    return true;
  } catch {
    return false;
  }
}

for (const runtime of runtimes) {
  const titled = (title: string, run: (t: ExecutionContext) => Promise<void>) =>
    test(`${title} (${runtime.name})`, run);

  titled('every virtual machine is asked to shut down, then the lock is released', async (t) => {
    const tree = await node(t, runtime, { a: {}, b: { asked: 2 }, c: { asked: 1, containerEnds: true } });
    const { code, stdout, stderr } = await tree.run(script, { env });
    t.is(stderr, '');
    t.is(code, 0);
    t.deepEqual(await asked(tree), ['shutdown a-domain', 'shutdown b-domain', 'shutdown c-domain']);
    for (const vm of ['a', 'b', 'c']) t.true(stdout.includes(`ns/pod-${vm}/${vm}-domain: shut down\n`), stdout);
    t.regex((await tree.read('inhibit')) ?? '', /^--what=shutdown --mode=delay .* sleep infinity$/m);
    t.false(await lockIsHeld(tree));
  });

  titled('one that hangs, fails or never shuts down keeps none of the others', async (t) => {
    const tree = await node(t, runtime, {
      'hangs-listing': { hangs: 'list' },
      'hangs-asked': { hangs: 'shutdown' },
      'hangs-state': { hangs: 'domstate' },
      fails: { fails: 'shutdown' },
      stays: { asked: 1000 },
      bare: { has: 'no container' },
      empty: { has: 'no domain' },
      good: {},
    });
    const { code, stdout, stderr } = await tree.run(script, { env: impatient });
    t.is(code, 0);
    t.true(stdout.includes('ns/pod-good/good-domain: shut down\n'));
    t.true(stdout.endsWith('done; the shutdown may go on\n'));
    for (const warning of [
      'ns/pod-hangs-listing: no virtual machine runs in it',
      'ns/pod-hangs-asked/hangs-asked-domain: it could not be asked to shut down',
      'ns/pod-hangs-state/hangs-state-domain: it has not shut down within 10 s',
      'ns/pod-fails/fails-domain: it could not be asked to shut down',
      'ns/pod-stays/stays-domain: it has not shut down within 10 s',
      'ns/pod-bare: it has no running container compute',
      'ns/pod-empty: no virtual machine runs in it',
    ]) {
      t.true(stderr.includes(`warning: ${warning}\n`), `${warning} in ${stderr}`);
    }
    t.false(await lockIsHeld(tree));
  });

  titled('with more than 32, the rest follow as the first are done, also past some that hang', async (t) => {
    const hanging = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`h${i}`, { hangs: 'shutdown' as const }]));
    const good = Object.fromEntries(Array.from({ length: 36 }, (_, i) => [`g${i}`, {}]));
    const tree = await node(t, runtime, { ...hanging, ...good });
    const { code, stderr } = await tree.run(script, { env: { ...env, KUBEVIRT_COMMAND_TIMEOUT_SECONDS: '20' } });
    t.is(code, 0, stderr);
    t.is((await asked(tree)).length, 36);
  });

  titled('a shutdown that is called off, and other lines, are nothing', async (t) => {
    const tree = await node(t, runtime, { a: {} }, { says: [`{"type":"signal"}\n${signal(false)}`] });
    const { code } = await tree.run(script, { env, stop: async () => (await tree.read('listened')) !== undefined });
    t.is(code, 0);
    t.deepEqual(await asked(tree), []);
  });

  titled('a bus that goes away is listened to again', async (t) => {
    const tree = await node(t, runtime, { a: {} }, { says: ['', signal(false), '', signal(true)] });
    const { code, stderr } = await tree.run(script, { env });
    t.is(code, 0);
    t.is(await tree.read('listened'), '4\n');
    t.is(stderr.match(/the system bus is silent; listening again in 0 s/g)?.length, 3);
    t.deepEqual(await asked(tree), ['shutdown a-domain']);
  });

  titled('a shutdown that was announced before it listened is seen, too', async (t) => {
    const tree = await node(t, runtime, { a: {} }, { says: [''], preparing: true });
    t.is((await tree.run(script, { env })).code, 0);
    t.deepEqual(await asked(tree), ['shutdown a-domain']);
  });

  titled('told to end it ends well, and releases the lock', async (t) => {
    const tree = await node(t, runtime, { a: {} }, { says: [signal(false)] });
    const { code } = await tree.run(script, { env, stop: async () => (await tree.read('listened')) !== undefined });
    t.is(code, 0);
    t.false(await lockIsHeld(tree));
  });

  titled('a lock that is refused is an error, in the words of logind', async (t) => {
    const tree = await node(t, runtime, {});
    await tree.command('systemd-inhibit', 'echo "Failed to inhibit: Access denied" >&2; exit 1');
    const { code, stderr } = await tree.run(script, { env });
    t.is(code, 1);
    t.is(stderr, 'error: no shutdown can be delayed: Failed to inhibit: Access denied\n');
  });

  titled('pods that cannot be listed hold nothing up; nor do none', async (t) => {
    const broken = await node(t, runtime, { a: {} });
    await broken.command('crictl', 'exit 1');
    const { code, stderr } = await broken.run(script, { env });
    t.is(code, 0);
    t.is(stderr, 'warning: the pods of virtual machines could not be listed\n');
    t.false(await lockIsHeld(broken));
    const empty = await node(t, runtime, {});
    t.is((await empty.run(script, { env })).code, 0);
  });
}
