import test from 'ava';
import { messagesTo } from '../../../../plugin/output/messages.ts';

test('warnings and notes are said once each, escaped, on one line', (t) => {
  let said = '';
  const { warn, note } = messagesTo({
    write: (text) => {
      said += text;
    },
    isTerminal: false,
  });
  warn('spec.x is deprecated');
  warn('spec.x is deprecated');
  warn('two\nlines\u001b[31m');
  note('left out a');
  note('left out a');
  t.is(said, 'Warning: spec.x is deprecated\nWarning: two\\nlines\\u001b[31m\nnote: left out a\n');
});
