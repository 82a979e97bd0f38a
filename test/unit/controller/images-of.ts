import test from 'ava';
import { imagesOf } from '../../../controller/images-of.ts';

test('images are named after their variables, and nothing else of the environment is taken', (t) => {
  const env = {
    RELATED_IMAGE_KUBEVIRT_METRICS_EXPORTER: 'quay.io/x/y@sha256:1',
    RELATED_IMAGE_: 'nothing',
    RELATED_IMAGE_EMPTY: '',
    PATH: '/bin',
  };
  t.deepEqual(imagesOf(env), { 'kubevirt-metrics-exporter': 'quay.io/x/y@sha256:1' });
});
