import test from 'ava';
import { editorWords } from '../../../../plugin/patching/editor-words.ts';

for (const [editor, words] of [
  ['vim', ['vim']],
  ['code --wait', ['code', '--wait']],
  ['code  --wait ', ['code', '--wait']],
  [`"/opt/My Editor/bin/edit" -n`, ['/opt/My Editor/bin/edit', '-n']],
  [`'/opt/My Editor/bin/edit' -n`, ['/opt/My Editor/bin/edit', '-n']],
  ['/opt/My\\ Editor/edit -n', ['/opt/My Editor/edit', '-n']],
  [`sed -i 's/a b/c/'`, ['sed', '-i', 's/a b/c/']],
  [`sh -c "echo \\"x\\" \\$HOME"`, ['sh', '-c', 'echo "x" $HOME']],
  [`emacs --eval='(x "y")'`, ['emacs', `--eval=(x "y")`]],
  ['$(reboot) now', ['$(reboot)', 'now']],
] as const) {
  test(`${JSON.stringify(editor)} is ${words.join(' | ')}`, (t) =>
    t.deepEqual(editorWords({ KUBE_EDITOR: editor }, 'linux'), [...words]));
}

test('KUBE_EDITOR comes before EDITOR, and vi after both; an empty one is none', (t) => {
  t.deepEqual(editorWords({ KUBE_EDITOR: 'a', EDITOR: 'b' }, 'linux'), ['a']);
  t.deepEqual(editorWords({ KUBE_EDITOR: '', EDITOR: 'b' }, 'linux'), ['b']);
  t.deepEqual(editorWords({}, 'linux'), ['vi']);
  t.deepEqual(editorWords({}, 'win32'), ['notepad']);
});

test('on Windows, backslashes are part of a path', (t) => {
  t.deepEqual(editorWords({ EDITOR: 'C:\\bin\\edit.exe -w' }, 'win32'), ['C:\\bin\\edit.exe', '-w']);
});
