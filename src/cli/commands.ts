/** The commands of `cellos`, as a table. No command's code is loaded to read it. */
import type { CommandInfo } from './command.ts';
import { ASK_OPTIONS, JSON_OPTION, OK_EXIT, TRUST, USAGE_EXIT } from './options.ts';

const RUN: CommandInfo = {
  name: 'run',
  usage: '[options] -- ARGV…\n[options] DOCUMENT',
  about: [
    'Runs a command, or an ExecutionCell document (YAML, JSON, - for stdin), in a fresh cell.',
    "The cell has no network, no host files but the system's own (read-only), no host environment, and limits; cellos plan says which. stdin, stdout, stderr and the exit code are the command's own. Everything that happens is recorded in a signed bundle that cellos verify checks.",
    'One line at the end, on stderr, names the run; with --workspace a second one counts the changes. Ctrl-C asks the command to end; a second one kills it. Either way the evidence is sealed.',
  ].join('\n'),
  operand: 'file',
  options: [
    ...ASK_OPTIONS,
    { name: 'apply', about: 'bring what changed in the workspace into its folder, when the command ends with 0' },
    { name: 'evidence', value: 'DIR', about: 'put the evidence bundle into DIR (new or empty) instead of the state folder' },
    { name: 'redact', value: 'WHAT', multiple: true, about: 'blank members of events before they are signed: a name, TYPE:NAME, TYPE:*, defaults (argv, path, reason) or wide; the evidence says what' },
    { name: 'dry-run', about: 'print the plan, run nothing; with --json the plan is JSON on stdout' },
    { name: 'json', about: 'write a result document, JSON, to descriptor 3 (3>result.json), or to the --result FILE; never to stdout' },
    { name: 'result', value: 'FILE', about: 'write the result document to FILE' },
    { name: 'quiet', short: 'q', about: 'say nothing of our own but errors' },
  ],
  examples: ["cellos run -- sh -c 'echo hello'", 'cellos run --workspace . --ttl 5m -- make test', 'cellos run --secret TOKEN --ro ./deploy.sh:/work/deploy.sh -- sh /work/deploy.sh', 'cellos run --json -- make 3>result.json'],
  exits: [
    ["the command's own", 'it ended by itself'],
    ['120', 'refused by policy, or a secret is missing: nothing was run'],
    ['121', 'this host cannot enforce what was asked: nothing was run'],
    ['122', 'it ran, and something of the cell is still there'],
    ['123', 'the evidence could not be written'],
    ['124', 'the time limit ended it'],
    ['126, 127', 'the program cannot be executed, or was not found'],
    ['128+n', 'signal n ended it; 137 also when the memory limit did'],
    ['125', 'any other failure of CellOS'],
    ['64, 65', 'wrong usage, invalid document'],
  ],
  load: async () => (await import('./commands/run.ts')).runCommandLine,
};

const PLAN: CommandInfo = {
  name: 'plan',
  usage: '[options] DOCUMENT\n[options] -- ARGV…',
  about: 'Shows what was asked, and what this host would enforce of it.\nOne row a thing: as asked, as it would be in force, and by what mechanism. Takes the options of cellos run, and runs nothing. The names in the first column are what --allow-downgrade takes.',
  operand: 'file',
  options: [...ASK_OPTIONS, { name: 'json', about: 'the plan as one JSON document on stdout: inert, no secret in it' }],
  examples: ['cellos plan -- make test', 'cellos plan --memory 512M --cpus 1.5 -- make test', 'cellos plan job.yaml'],
  exits: [
    ['0', 'cellos run would run it'],
    ['120', 'policy refuses it'],
    ['121', 'this host cannot enforce all of it'],
    ['64, 65', 'wrong usage, invalid document'],
  ],
  load: async () => (await import('./commands/plan.ts')).planCommandLine,
};

const VERIFY: CommandInfo = {
  name: 'verify',
  usage: '[options] PATH|RUN',
  about: 'Audits an evidence bundle, offline.\nPATH is a bundle folder, a .tar of one, JSON Lines of signed events, or an audit chain of cellos-supervisor; RUN is a run of this host. The verdict is one of a closed list, and the first bad record is named.',
  operand: 'run',
  options: [
    TRUST,
    { name: 'keys', value: 'FILE', multiple: true, about: 'for JSON Lines of bare events and audit chains: the keys that may have signed them, as cellos keys export --format verify-keys writes it' },
    { name: 'hmac-keys', value: 'FILE', multiple: true, about: 'shared keys of bare events: what they signed is counted as internal, and is never proof (untrusted-key)' },
    { name: 'at', value: 'TIME', about: 'judge the keys as of TIME (RFC 3339, or now): a keyset that has run out by then is stale-trust' },
    { name: 'min-epoch', value: 'N', about: 'keysets before epoch N are stale-trust' },
    JSON_OPTION,
  ],
  examples: ['cellos verify ./evidence', 'cellos verify --trust auditor-keys.json bundle.tar', 'cellos verify --keys verify-keys.json events.jsonl'],
  exits: [
    ['0', 'complete, or complete-with-declared-gaps'],
    ['10', 'incomplete-tail: no end, everything before it verifies'],
    ['11', 'tampered'],
    ['12', 'untrusted-key: signed by a root key that is not among the trusted ones, or by a key that does not count there: retired, compromised, shared'],
    ['13', 'stale-trust: the keyset had run out when the run ended, or what is known of the keys is older than what was seen, than --at or --min-epoch allow'],
    ['14', 'unsupported: written by a later version'],
    ['15', 'authentic-unordered: bare events, nothing proves their order'],
    ['64, 65', 'wrong usage or no such run, a trust file that is none'],
  ],
  load: async () => (await import('./commands/verify.ts')).verifyCommandLine,
};

const BUNDLE: CommandInfo = {
  name: 'bundle',
  usage: '[options] RUN|PATH --out FILE',
  about: [
    'Writes the evidence of a run as one file, a .tar, to give away; cellos verify takes it as it is.',
    'Only evidence that verifies is given away, and what was written is audited before it gets its name. The same evidence makes the same bytes.',
    '--withhold keeps events back: their records stay, with the digest of what is not shown, so that the rest verifies as before and the verdict says what is missing (complete-with-declared-gaps). The first and the last record cannot be withheld. The other files of the bundle, the output of the command and artifacts, are given whole.',
  ].join('\n'),
  operand: 'run',
  options: [
    { name: 'out', short: 'o', value: 'FILE', about: 'write to FILE, which must not exist' },
    { name: 'withhold', value: 'WHAT', multiple: true, about: 'a record by its number, a range of them (3-7), or all events of a name, as cellos events shows them (process.exited); lists with commas too' },
    TRUST,
    JSON_OPTION,
  ],
  examples: ['cellos bundle 01m88a7p -o bundle.tar', 'cellos bundle 01m88a7p --withhold secret.lease,file.touched -o for-the-customer.tar', 'cellos verify --trust keys.json bundle.tar'],
  exits: [
    ['0', 'written'],
    ['11 to 14', 'the evidence does not verify, and nothing was written; the code is that of cellos verify'],
    ['64', 'wrong usage, no such run or event; FILE is there already, or cannot be written'],
    ['125', 'the run is going on'],
  ],
  load: async () => (await import('./commands/bundle.ts')).bundleCommandLine,
};

const HISTORY: CommandInfo = {
  name: 'history',
  usage: '[options] [RUN|PATH…]',
  about: [
    'Holds runs and checkpoints against the log of a host: are they of one history, and what of it is not among them?',
    "The log is this host's, and what is held against it all of its runs, and the bundles and checkpoints at PATH…; or --log names a copy of the folder of another log, and PATH… is all. Every tile is held against the newest checkpoint, then every record of each bundle is looked for. A run that was taken out shows as leaves of no run that was given; a log that was put back, or told to others otherwise, shows by a checkpoint that somebody kept.",
  ].join('\n'),
  operand: 'run',
  options: [
    { name: 'log', value: 'DIR', about: "a copy of the log folder of a host (default: this host's, in the state folder)" },
    { name: 'all', about: 'all runs of the host were given: leaves of no run end with 10' },
    { name: 'out', short: 'o', value: 'FILE', about: 'keep the newest checkpoint in FILE, which must not exist, to hold it against the log later' },
    TRUST,
    JSON_OPTION,
  ],
  examples: ['cellos history -o kept.txt                    # and away from this host with it', 'cellos history kept.txt                       # later: the log only grew', 'cellos history --trust keys.json --log ./copy-of-log bundle.tar kept.txt'],
  exits: [
    ['0', 'one history'],
    ['10', 'something is of another log; with --all, leaves are of no run that was given'],
    ['11', 'something is not of this history, or does not verify; the log is not what its checkpoint says'],
    ['12', 'the checkpoint is signed by no key that is trusted'],
    ['64, 65', 'wrong usage, no such run or log; a trust file that is none'],
  ],
  load: async () => (await import('./commands/history.ts')).historyCommandLine,
};

const DOCTOR: CommandInfo = {
  name: 'doctor',
  usage: '[options]',
  about: 'Finds out what this host can enforce, by doing it, and names the fix for what it cannot.\nStarts real cells, loads the filter, makes and removes resource groups, mounts an overlay, signs and audits a bundle. Leaves nothing behind.',
  operand: 'none',
  options: [
    { name: 'attacks', about: 'attack real cells of this host instead, harmlessly for it, and print the scoreboard' },
    { name: 'class', value: 'CLASS', multiple: true, about: 'with --attacks: only this class, e.g. filesystem' },
    { name: 'keep', value: 'DIR', about: 'with --attacks: keep the evidence of the attacked cells in DIR (new or empty), a state folder of its own' },
    JSON_OPTION,
  ],
  examples: ['cellos doctor', 'cellos doctor --json', 'cellos doctor --attacks', 'cellos doctor --attacks --class secrets --keep ./attacked'],
  exits: [
    ['0', 'runs are possible at full strength'],
    ['121', 'runs are not possible, or weaker than they could be'],
    ['125', 'an attack was not held'],
  ],
  load: async () => (await import('./commands/doctor.ts')).doctorCommandLine,
};

const PS: CommandInfo = {
  name: 'ps',
  usage: '[options]',
  about: 'Lists the runs of this host, newest first.\nStates: running; sealed, its evidence has an end; unsealed, its supervisor was killed; missing, its bundle was put elsewhere and is gone. What a list shows is read, not verified: cellos verify RUN proves it.',
  operand: 'none',
  options: [
    { name: 'all', short: 'a', about: 'all of them' },
    { name: 'limit', short: 'n', value: 'N', about: 'at most N (default 20)' },
    { name: 'state', value: 'STATE', multiple: true, values: ['running', 'sealed', 'unsealed', 'missing'], about: 'only those in this state' },
    { name: 'quiet', short: 'q', about: 'whole ids only, one a line' },
    { name: 'json', about: 'one JSON object a line' },
  ],
  examples: ['cellos ps', 'cellos ps -a --state unsealed', 'cellos stop $(cellos ps -aq --state running)'],
  exits: [OK_EXIT, ['64', 'wrong usage']],
  load: async () => (await import('./commands/ps.ts')).psCommandLine,
};

const SHOW: CommandInfo = {
  name: 'show',
  usage: '[options] RUN|PATH',
  about: [
    'Shows one run: what was asked, what was enforced, what happened, and the verdict of the audit.',
    'RUN is an id, or the beginning or the end of one; PATH a bundle folder, or a .tar of one. Each event says who saw it: kernel, proxy, host, or guest (claimed).',
    '--report tells all of it, for a reader who was not there: asked and enforced item by item, declared and used authority, the timeline, the lives of secrets, policy, the workspace, the teardown certificate line by line, gaps, keys and trust. --html writes that as one page for a browser or a printer, which needs nothing else: no script, no network. "Not observed" in it means that no record could tell; it is no evidence that something was not used.',
    'A report is read from a bundle, and is no evidence itself: cellos verify is what proves a bundle.',
  ].join('\n'),
  operand: 'run',
  options: [
    TRUST,
    { name: 'report', about: 'the whole report, as text; with --json its model, for programs' },
    { name: 'html', about: 'the report as one self-contained HTML page' },
    { name: 'out', short: 'o', value: 'FILE', about: 'write the report to FILE, replacing it (default stdout)' },
    { name: 'events', value: 'N', about: 'events in the timeline (default 200)' },
    JSON_OPTION,
  ],
  examples: ['cellos show 01m88a7p', 'cellos show --json 01m88a7p', 'cellos show --report 01m88a7p | less', 'cellos show --html -o report.html 01m88a7p', 'cellos show --trust auditor-keys.json --html -o report.html bundle.tar'],
  exits: [OK_EXIT, ['125', 'what is at PATH is no bundle'], ['64', 'wrong usage, no such run, or a report that cannot be written where it should go']],
  load: async () => (await import('./commands/show.ts')).showCommandLine,
};

const EVENTS: CommandInfo = {
  name: 'events',
  usage: '[options] [RUN]',
  about: 'Prints the events of a run, or of all runs, as JSON Lines of CloudEvents.\nOn a terminal, or with --pretty, one readable line an event. Without RUN, -f shows the runs that are going on and each that begins.',
  operand: 'run',
  options: [
    { name: 'follow', short: 'f', about: 'wait for more, until the run is over' },
    { name: 'pretty', about: 'one readable line an event' },
    { name: 'json', about: 'JSON Lines, on a terminal too' },
    { name: 'records', about: 'the whole signed records, as they stand in the bundle' },
  ],
  examples: ['cellos events 01m88a7p', 'cellos events -f', "cellos events 01m88a7p | jq -r .type"],
  exits: [OK_EXIT, USAGE_EXIT],
  load: async () => (await import('./commands/events.ts')).eventsCommandLine,
};

const LOGS: CommandInfo = {
  name: 'logs',
  usage: '[options] RUN',
  about: "Prints the kept output of a run.\nIts stdout to stdout, its stderr to stderr; with one of --stdout and --stderr, that one, to stdout. To a terminal, control characters are shown and not obeyed. A pipe gets the bytes as they are.",
  operand: 'run',
  options: [
    { name: 'follow', short: 'f', about: 'wait for more, until the run is over' },
    { name: 'stdout', about: 'only what it wrote to stdout' },
    { name: 'stderr', about: 'only what it wrote to stderr' },
    { name: 'raw', about: 'the bytes as they are, to a terminal too' },
  ],
  examples: ['cellos logs 01m88a7p', 'cellos logs -f 01m88a7p', 'cellos logs --stdout 01m88a7p | sha256sum'],
  exits: [OK_EXIT, USAGE_EXIT],
  load: async () => (await import('./commands/logs.ts')).logsCommandLine,
};

const STOP: CommandInfo = {
  name: 'stop',
  usage: '[options] RUN…',
  about: 'Ends a running run in order, and waits until its evidence is sealed.\nThe command gets SIGTERM, and SIGKILL when the grace time is over. A run that is over already is no error.',
  operand: 'running-run',
  options: [{ name: 'grace', value: 'DURATION', about: 'time to end by itself, at most what its plan gives (10s, or its document\'s)' }, JSON_OPTION],
  examples: ['cellos stop 01m88a7p', 'cellos stop --grace 1s 01m88a7p'],
  exits: [
    ['0', 'the run is over, and sealed'],
    ['125', 'it ended without a seal, or cannot be stopped from here'],
    USAGE_EXIT,
  ],
  load: async () => (await import('./commands/stop.ts')).stopCommandLine,
};

const RM: CommandInfo = {
  name: 'rm',
  usage: '[options] RUN…\n--all-sealed | --older-than 30d',
  about: 'Removes runs: their bundles and marks.\nA running one is refused. A bundle that --evidence put elsewhere stays there; only our link to it goes. A whole id that is not there any more is no error.',
  operand: 'run',
  options: [
    { name: 'all-sealed', about: 'every sealed run' },
    { name: 'older-than', value: 'DURATION', about: 'every run that is over and began longer ago than this; with --all-sealed, only sealed ones' },
    { name: 'dry-run', about: 'say what would be removed' },
    JSON_OPTION,
  ],
  examples: ['cellos rm 01m88a7p', 'cellos rm --older-than 30d'],
  exits: [OK_EXIT, ['122', 'something of its cell is still there, and cannot be removed'], ['125', 'one is still running, or could not be removed'], USAGE_EXIT],
  load: async () => (await import('./commands/rm.ts')).rmCommandLine,
};

const KEYS: CommandInfo = {
  name: 'keys',
  usage: 'list [--all]\ninit [--root-out DIR] [--roots N] [--threshold M]\nrotate [--root PATH]… | --ask FILE\nrevoke KID… --retired | --compromised-from RUN[:SEQ]|TIME [--root PATH]… | --ask FILE\nsign FILE --root PATH… --out SIGNED\napply SIGNED\nexport [--format FORMAT] [--out FILE]\ntrust FILE…\nuntrust KID…',
  about: [
    'Makes, rotates, revokes, exports and trusts keys. The secret halves are never shown.',
    'Every host has root keys, which sign keysets and nothing else, and online keys, one for each purpose: events, heads of logs, bundles. They are made at first use. With init --root-out the root keys go to a folder of your choice, and away from this host: no run needs them.',
    'rotate goes one step on, and says which is next: announce, accept, switch, retire. Each step is a new keyset, signed by the root keys, that names the one before; every bundle carries all of them, so old evidence verifies for ever.',
    'revoke ends keys. --retired: they sign no more. --compromised-from: somebody else may have signed with them, from a record of a run on or from a time on; what stands before goes on counting. A key that was signing is replaced at once.',
    'Where the root keys never come to this host: rotate and revoke --ask FILE write a request, cellos keys sign signs it where they are, cellos keys apply brings the answer into force here.',
    'An auditor who was given the trust file by you, and not together with a bundle, can check your bundles: cellos keys export here, cellos keys trust or cellos verify --trust there. Export again after each change: it tells what was revoked. An older one is refused then.',
  ].join('\n'),
  operand: ['list', 'init', 'rotate', 'revoke', 'sign', 'apply', 'export', 'trust', 'untrust'],
  options: [
    { name: 'all', about: 'list: retired and compromised keys too' },
    { name: 'root-out', value: 'DIR', about: 'init: put the root keys there, one file each; made if absent, closed to others (default: beside the online keys)' },
    { name: 'roots', value: 'N', about: 'init: make N root keys (default 1)' },
    { name: 'threshold', value: 'M', about: 'init: M of them have to sign a keyset (default 1)' },
    { name: 'root', value: 'PATH', multiple: true, about: 'rotate, revoke, sign: file of a root key, or a folder with such files (default: beside the online keys)' },
    { name: 'ask', value: 'FILE', about: 'rotate, revoke: write a request for signatures to FILE instead, and change nothing yet' },
    { name: 'retired', about: 'revoke: what it signed until now goes on counting' },
    { name: 'compromised-from', value: 'POSITION', about: 'revoke: nothing it signed from there on counts; a run (RUN), a record of one (RUN:SEQ), or a time (2027-01-31T12:00:00Z)' },
    { name: 'format', value: 'FORMAT', values: ['trust', 'verify-keys', 'root-keys', 'keyset-envelope'], about: 'export: trust (default) for cellos verify; in the forms of the Rust CellOS: verify-keys, the keys of events; root-keys, those that sign keysets; keyset-envelope, the newest keyset' },
    { name: 'out', short: 'o', value: 'FILE', about: 'export, sign: write to FILE, which must not exist (export: default stdout)' },
    JSON_OPTION,
  ],
  examples: [
    'cellos keys init --root-out /media/stick --roots 3 --threshold 2',
    'cellos keys rotate --root /media/stick       # four times, days apart: one step each',
    'cellos keys rotate --ask ask.json            # the same, signed elsewhere: cellos keys sign ask.json --root DIR --out signed.json',
    'cellos keys apply signed.json',
    'cellos keys revoke ed25519:b3464b7cb841dcf9 --compromised-from 01m88g8rq6z261kfmervxsh9em:7',
    'cellos keys export -o our-trust.json         # here, after each change',
    'cellos keys trust our-trust.json             # there',
  ],
  exits: [OK_EXIT, ['123', 'the keys cannot be used, or too few root keys are at hand'], ['64, 65', 'wrong usage; a trust file that is none, or is older than what was seen'], ['125', 'another cellos keys is changing them']],
  load: async () => (await import('./commands/keys.ts')).keysCommandLine,
};

const POLICY: CommandInfo = {
  name: 'policy',
  usage: 'check PACK DOCUMENT\nshow PACK [--effective [DOCUMENT]]\nsuggest RUN|PATH [DOCUMENT]',
  about: [
    'Says what a policy pack permits, whether it permits a document, and what narrower one a run needed. Runs nothing.',
    'A pack is a PolicyPack document (JSON or YAML), the same as for the reference: limits on lifetime, memory and time, on egress, on how secrets are delivered, and which caller may have which secret. cellos run --policy PACK enforces it; a misspelt rule is a mistake, never ignored.',
    'CELLOS_CALLER_IDENTITY names the caller (default: default). CELLOS_POLICY_ALLOW_DOWNGRADE=1 takes a pack older than version 1.0.0.',
    'suggest reads the evidence of a run and prints the narrower document that it would have been fine with, in YAML, each member with the reason why it was narrowed or left. It never widens anything, and what was not observed is left: that no record tells of a use is no evidence that there was none. Of a run that did not end with exit code 0 nothing is narrowed.',
    'The evidence names a document by its digest only. That of a command line is made again from the records; any other has to be given, and is held against the digest.',
  ].join('\n'),
  operand: ['check', 'show', 'suggest'],
  runAction: 'suggest',
  options: [
    { ...TRUST, about: `suggest: ${TRUST.about}` },
    { name: 'effective', about: 'show: every rule there is, also those the pack does not set; with a document, what each says of it' },
    { name: 'compatible', about: 'read the document as the reference does: warn where it is refused otherwise (unknown keys …)' },
    JSON_OPTION,
  ],
  examples: ['cellos policy check pack.json job.yaml', 'cellos policy show pack.json --effective', 'cellos policy show --effective pack.json job.yaml', 'cellos run --policy pack.json -- make test', 'cellos policy suggest 01m88a7p > narrower.yaml', 'cellos policy suggest 01m88a7p job.yaml --json'],
  exits: [
    ['0', 'permitted; or shown, suggested'],
    ['10 to 14', 'suggest: the evidence does not verify; the code is that of cellos verify'],
    ['120', 'the pack refuses the document: every violation is listed'],
    ['125', 'suggest: the run is going on, or what is at PATH is no bundle'],
    ['64', 'wrong usage, no such run, or not the document of the run'],
    ['65', 'the pack or the document is invalid: every mistake with its path and line'],
  ],
  load: async () => (await import('./commands/policy.ts')).policyCommandLine,
};

const COMPLETION: CommandInfo = {
  name: 'completion',
  usage: 'bash|zsh|fish',
  about: 'Prints completions for a shell: commands, options, files, and ids of runs.',
  operand: ['bash', 'zsh', 'fish'],
  options: [],
  examples: ['eval "$(cellos completion bash)"                 # now; put it into ~/.bashrc to keep it', 'eval "$(cellos completion zsh)"', 'cellos completion fish > ~/.config/fish/completions/cellos.fish'],
  exits: [OK_EXIT, ['64', 'wrong usage']],
  load: async () => (await import('./commands/completion.ts')).completionCommandLine(() => COMMANDS),
};

const DIFF: CommandInfo = {
  name: 'diff',
  usage: '[options] RUN',
  about: 'Lists what a run changed in its workspace: A added, M modified, D deleted, ! neither file, folder nor symlink.\nThe changes are kept until they are applied or the run is removed.',
  operand: 'run',
  options: [{ name: 'patch', short: 'p', about: 'the changed lines of files, while the changes are kept (needs diff)' }, JSON_OPTION],
  examples: ['cellos diff 01m88a7p', 'cellos diff --patch 01m88a7p'],
  exits: [OK_EXIT, USAGE_EXIT],
  load: async () => (await import('./commands/workspace.ts')).diffCommandLine,
};

const APPLY: CommandInfo = {
  name: 'apply',
  usage: '[options] RUN',
  about: 'Brings what a run changed in its workspace into the folder.\nAll or nothing: when the folder has moved on since, nothing is written, and each conflict is named.',
  operand: 'run',
  options: [JSON_OPTION],
  examples: ['cellos diff 01m88a7p && cellos apply 01m88a7p'],
  exits: [OK_EXIT, ['125', 'the folder has moved on, or holds what cannot be applied'], USAGE_EXIT],
  load: async () => (await import('./commands/workspace.ts')).applyCommandLine,
};

export const COMMANDS: readonly CommandInfo[] = [RUN, PLAN, VERIFY, BUNDLE, HISTORY, DOCTOR, PS, SHOW, EVENTS, LOGS, DIFF, APPLY, STOP, RM, POLICY, KEYS, COMPLETION];
