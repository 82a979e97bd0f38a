import test from 'ava';
import { parseArguments } from '../../../../plugin/arguments.ts';
import { factOptions, forcedFacts } from '../../../../plugin/input/forced-facts.ts';
import { UserError } from '../../../../plugin/user-error.ts';

const facts = (...args: string[]) => forcedFacts(parseArguments(args, factOptions, { help: 'x' }));

test('facts have the type that assets expect', (t) => {
  t.deepEqual(
    facts(
      '--fact',
      'hardware.gpuPresent=true',
      '--fact=topology.workerCount=5',
      '--fact=topology.cloudProvider=AWS',
      '--fact=images.kubevirt-metrics-exporter=quay.io/a/b@sha256:c=d',
    ),
    {
      'hardware.gpuPresent': true,
      'topology.workerCount': 5,
      'topology.cloudProvider': 'AWS',
      'images.kubevirt-metrics-exporter': 'quay.io/a/b@sha256:c=d',
    },
  );
  t.deepEqual(facts(), {});
});

test('the shorthands are facts', (t) => {
  t.deepEqual(facts('--force-pci', '--force-numa', '--force-vfio', '--force-usb', '--force-gpu=false'), {
    'hardware.pciDevicesPresent': true,
    'hardware.numaNodesPresent': true,
    'hardware.vfioCapable': true,
    'hardware.usbDevicesPresent': true,
    'hardware.gpuPresent': false,
  });
});

const refused = test.macro({
  exec: (t, fact: string, message: RegExp) => {
    t.throws(() => facts('--fact', fact), { instanceOf: UserError, message });
  },
  title: (_, fact) => `--fact ${fact} is refused`,
});
test(refused, 'hardware.gpuPresent', /has no value/);
test(refused, 'hardware.gpuPresnt=true', /did you mean "hardware\.gpuPresent"/);
test(refused, 'hardware.gpuPresent=yes', /neither true nor false/);
test(refused, 'topology.workerCount=many', /no number/);
test(refused, '__proto__=1', /is no fact/);
test(refused, 'images.=x', /is no fact/);
