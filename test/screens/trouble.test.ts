import { expect, test } from 'vitest';
import { anyResource, type Resource } from '../../src/resources/resource.ts';
import { secrets } from '../../src/resources/secrets.ts';
import type { LinkState } from '../../src/state/link.ts';
import { type Namespaces, notify, notifyUndo } from '../../src/state/session.ts';
import { fillRecorded, type Given, givenScreen, nodeKind, noon, podKind } from './given.tsx';

const sizes = [
  [80, 24],
  [120, 36],
] as const;

const tell = ({ cluster }: Given, resource: Resource, link: LinkState): void =>
  cluster.apply([{ type: 'link', resource, scope: '', link }], noon);

const refused: LinkState = {
  state: 'reconnecting',
  sinceMs: noon - 120_000,
  reason:
    'The server refuses the credentials of user "ada" (401): wrong or expired; they come from the login plugin: aws eks get-token',
  hint: 'Log in again; "kubectl auth whoami" tells whether that worked.',
  login: 'refused',
  retryAtMs: noon + 8000,
};

test.each(sizes)(
  'credentials that are refused, %ix%i: the header, the rows and the last line say so, with the way out',
  (columns, rows) => {
    const given = givenScreen({ columns, rows });
    fillRecorded(given.cluster);
    tell(given, podKind, refused);
    const lines = given.text().split('\n');
    expect(lines[0]).toContain('credentials refused (401) 2m');
    expect(lines[0]).not.toContain('disconnected');
    expect(lines.join('\n')).toMatch(
      /^ since \d\d:\d\d:\d\d The server refuses the credentials of user "ada" \(401\)/m,
    );
    expect(lines.at(-2)).toContain('401: log in again, then <ctrl-r> (next try in 8s); kubectl');
    if (columns >= 120) expect(lines.at(-2)).toContain('kubectl --context research auth whoami tells');
  },
);

test('the way out of refused credentials stands in every view, and gives way to what is said or typed', () => {
  const given = givenScreen();
  fillRecorded(given.cluster);
  tell(given, podKind, refused);
  const last = (): string => given.text().split('\n').at(-2) ?? '';
  given.type('?');
  expect(last()).toContain('401: log in again');
  given.type('\x1b');
  given.type('\x14');
  expect(last()).toContain('does nothing here');
  given.clock.now += 7000;
  expect(last()).toContain('401: log in again');
  given.type(':');
  expect(last()).not.toContain('401');
});

test('a list that was never read for refused credentials says whose they are, where they come from and what to do', () => {
  const given = givenScreen({ columns: 120 });
  const kind = anyResource(secrets);
  given.type(':secrets\r');
  tell(given, kind, refused);
  const text = given.text();
  expect(text).toContain('Secrets cannot be read.');
  expect(text).toMatch(/they come from the login\s+plugin: aws eks/);
  expect(text).toContain('Log in again; "kubectl auth whoami" tells');
  expect(text).toContain('Next try in 8s; <ctrl-r> tries now; :ctx lists other contexts.');
  expect(text).not.toContain('nothing newer is known');
});

test('a login plugin that fails is no lost network', () => {
  const given = givenScreen({ columns: 120 });
  fillRecorded(given.cluster);
  tell(given, podKind, {
    ...refused,
    login: 'failed',
    reason: 'Login plugin "aws" of user "ada" failed: the SSO session has expired',
    hint: 'Run it by hand: aws eks get-token',
  });
  const lines = given.text().split('\n');
  expect(lines[0]).toContain('login failed 2m (retry 8s)');
  expect(lines.join('\n')).toContain('Login plugin "aws" of user "ada" failed');
  expect(lines.at(-2)).toContain(
    'Login failed: <ctrl-r> tries it again (next try in 8s); Run it by hand: aws eks get-token',
  );
});

test('how to take back what was done comes back after what is said meanwhile, for a minute', () => {
  const given = givenScreen();
  fillRecorded(given.cluster);
  const { session, clock } = given;
  const last = (): string => given.text().split('\n').at(-2) ?? '';
  session.setState(notifyUndo('Cordoned h100-07. Undo: c', clock.now)(session.getState()));
  expect(last()).toContain('Undo: c');
  given.type('\x14');
  expect(last()).toContain('does nothing here');
  session.setState(notify('Asking again.', 'dim', clock.now)(session.getState()));
  expect(last()).toContain('Asking again.');
  clock.now += 7000;
  expect(last()).toContain('Cordoned h100-07. Undo: c');
  given.type('/');
  given.type('\x1b');
  expect(last()).toContain('Undo: c');
  clock.now += 60_000;
  expect(last()).not.toContain('Undo');
});

const forbidden = (reason: string): LinkState => ({
  state: 'forbidden',
  sinceMs: noon,
  reason,
  retryAtMs: noon + 60_000,
});

test('who lacks several rights is told of all that a table needs, and of what is left', () => {
  const given = givenScreen({ columns: 120, rows: 36 });
  tell(given, podKind, forbidden('pods is forbidden: no'));
  tell(given, nodeKind, forbidden('nodes is forbidden: no'));
  given.type(':gpus\r');
  const text = given.text();
  expect(text).toMatch(/You may not list pods in all namespaces, nor .*nodes/);
  expect(text).toMatch(/Ask for the right "list" and "watch" on pods, .*nodes/);
  expect(text).toMatch(/:ns NAME, or\s+mltop -n NAME/);
  expect(text).toContain('"kubectl auth can-i --list -n NAME"');
  given.type(':pods\r');
  expect(given.text()).toContain('You may not list pods in all namespaces.');
});

test('who may list something else is told what', () => {
  const given = givenScreen({ columns: 120, rows: 36 });
  tell(given, podKind, forbidden('pods is forbidden: no'));
  tell(given, nodeKind, { state: 'live', sinceMs: noon });
  expect(given.text()).toContain('You may list nodes.');
});

test('what may be listed and not watched is called polled, and how often, whatever else is live', () => {
  const given = givenScreen({ columns: 120, rows: 36 });
  tell(given, podKind, { state: 'live', sinceMs: noon, polledEveryMs: 15_000 });
  tell(given, nodeKind, { state: 'live', sinceMs: noon });
  for (const view of [':pods\r', ':nodes\r']) {
    given.type(view);
    expect(given.text().split('\n')[0]).toContain('pods polled every 15s');
  }
  tell(given, podKind, { state: 'live', sinceMs: noon });
  expect(given.text().split('\n')[0]).toContain('● live');
});

test.each<{ readonly namespaces: Namespaces }>([
  { namespaces: 'all' },
  { namespaces: ['train', 'serve', 'secret'] },
])(
  'of $namespaces one that is refused leaves the others live, and the count says that it is not of all',
  ({ namespaces }) => {
    const given = givenScreen({ columns: 120, rows: 24 });
    given.cluster.apply(
      ['train', 'serve'].map((namespace) => {
        const metadata = { name: `in-${namespace}`, namespace, uid: namespace };
        return {
          type: 'put',
          resource: podKind,
          scope: namespace,
          row: podKind.toRow({ metadata }, { server: undefined }),
        };
      }),
      noon,
    );
    given.session.setState({ namespaces });
    for (const scope of ['', 'secret'])
      given.cluster.apply(
        [{ type: 'link', resource: podKind, scope, link: forbidden(`pods is forbidden in ${scope}`) }],
        noon,
      );
    for (const scope of ['train', 'serve'])
      given.cluster.apply(
        [{ type: 'link', resource: podKind, scope, link: { state: 'live', sinceMs: noon } }],
        noon,
      );
    expect(given.text()).toContain('● live');
    expect(given.text()).toMatch(/\[2\].* only .*train/);
    expect(given.text()).not.toContain('nothing newer is known');
    // A right that is lost leaves rows behind, which get older.
    given.cluster.apply(
      [{ type: 'link', resource: podKind, scope: 'serve', link: forbidden('pods is forbidden in serve') }],
      noon,
    );
    expect(given.text()).toContain('pods forbidden');
    expect(given.text()).toMatch(/\[2\].* only train/);
    expect(given.text()).toContain('nothing newer is known: pods is forbidden in serve');
  },
);
