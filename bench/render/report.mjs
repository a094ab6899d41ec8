import { median } from '../stats.mjs';
import { table } from '../table.mjs';
import { variants } from './variants.mjs';

/** How many times the task time of ours a peer that loses nothing takes where a render costs time. */
const peerGoal = 5;
/** How many times the task time of the bare fold ours may take there. */
const foldGoal = 1.25;
const goalCase = 'A+';

/** Keeps what was measured, and tells it in words. */
export function createReport() {
  /** By case, then by variant: a result for each round. */
  const results = {};

  const resultsOf = (name, variant) => results[name][variant.name];

  /** How many times what `base` took this took, round by round. */
  const compare = (name, variant, base, key) =>
    resultsOf(name, variant).map(
      (result, round) => result[key] / resultsOf(name, base)[round][key],
    );

  function verdict(name, variant) {
    const { role } = variant;
    if (role !== 'ours' && role !== 'peer') return '';
    if (role === 'peer' && !resultsOf(name, variant).every(isWhole)) return 'loses messages';
    const meets = role === 'ours' ? (times) => times <= foldGoal : (times) => times >= peerGoal;
    const [byTask, byCpu] = ['task', 'cpu'].map((key) =>
      judge(compare(name, variant, baseOf(variant), key), meets),
    );
    const told = byTask === byCpu ? byTask : `${byTask} (by cpu ${byCpu})`;
    const ofFloor = median(compare(name, variant, floor, 'task'));
    const isBeyond = role === 'peer' && byTask === 'missed' && ofFloor < peerGoal;
    return isBeyond ? `${told}: ${ofFloor.toFixed(1)} x receiving alone` : told;
  }

  function row(name, variant) {
    const measured = resultsOf(name, variant);
    const get = (key) => measured.map((result) => result[key]);
    const base = baseOf(variant);
    const ratios = (key) =>
      base && resultsOf(name, base) ? compare(name, variant, base, key) : [];
    return [
      variant.name,
      range(get('seen')),
      range(get('commits')),
      name === 'hidden' ? '' : Math.max(...get('mostInFrame')),
      ...(name === 'C' ? [range(get('commitsOfOthers'))] : []),
      range(get('task')),
      range(get('cpu')),
      range(get('lastDom')),
      range(ratios('task'), 2),
      range(ratios('cpu'), 2),
      ...(name === goalCase ? [verdict(name, variant)] : []),
    ];
  }

  function tellErrors(name, variant) {
    const errors = resultsOf(name, variant).flatMap((result) => result.errors);
    return errors.length
      ? [`${variant.name}, uncaught, ${errors.length} times: ${errors[0].slice(0, 100)}`]
      : [];
  }

  return {
    add(variant, name, round, result) {
      results[name] ??= {};
      results[name][variant.name] ??= [];
      results[name][variant.name][round] = result;
    },

    /** The table of a case. */
    tell(name) {
      const measured = variants.filter((variant) => results[name][variant.name]);
      const [{ sent }] = resultsOf(name, measured[0]);
      const header = [
        `seen, of ${sent}`,
        'commits',
        'most a frame',
        ...(name === 'C' ? ['of the 19'] : []),
        'task ms',
        'cpu ms',
        'last in DOM after ms',
        'times, by task',
        'by cpu',
        ...(name === goalCase ? [`goal: from ${peerGoal}, ours to ${foldGoal}`] : []),
      ];
      const rows = measured.map((variant) => row(name, variant));
      const errors = measured.flatMap((variant) => tellErrors(name, variant));
      return [table(['', ...header], rows), '', ...errors].join('\n').trimEnd();
    },

    /** What all runs of ours say together. */
    sum() {
      const runs = Object.entries(results).flatMap(([name, byVariant]) =>
        variants
          .filter(({ role }) => role === 'ours')
          .flatMap((variant) =>
            (byVariant[variant.name] ?? []).map((result) => ({ name, variant, ...result })),
          ),
      );
      const visible = runs.filter(({ name }) => name !== 'hidden');
      return [
        `Ours, in ${runs.length} runs:`,
        tellOf('no message missed', runs, (run) => !isWhole(run)),
        tellOf('at most one commit a frame', visible, ({ mostInFrame }) => mostInFrame > 1),
        tellOf('no commit of those that do not look', runs, (run) => run.commitsOfOthers > 0),
      ].join('\n');
    },
  };
}

const floor = variants.find(({ role }) => role === 'floor');

/** What a variant is compared with: ours with the bare fold of its framework, the others with ours. */
function baseOf(variant) {
  const role = variant.role === 'ours' ? 'fold' : 'ours';
  return variants.find(
    (other) => other.role === role && frameworkOf(other) === frameworkOf(variant),
  );
}

const frameworkOf = ({ page }) => page.split('/')[0];

/** Whether user code saw what the sender sent, by their number and by the sum of their ids. */
const isWhole = ({ seen, sent, sum, sentSum }) => seen === sent && sum === sentSum;

function judge(times, meets) {
  if (times.every(meets)) return 'met';
  return meets(median(times)) ? 'met by the median, not surely' : 'missed';
}

function tellOf(claim, runs, isBroken) {
  const broken = runs.filter(isBroken);
  const where = broken.map(({ variant, name }) => `${variant.name} in ${name}`).join(', ');
  return `- ${claim}: ${broken.length ? `not in ${broken.length} (${where})` : 'holds'}`;
}

/** The median, and the least and the most where they differ. */
function range(values, digits = 0) {
  if (values.length === 0) return '';
  const show = (value) => value.toFixed(digits);
  const [least, most] = [Math.min(...values), Math.max(...values)].map(show);
  return least === most ? most : `${show(median(values))} (${least}..${most})`;
}
