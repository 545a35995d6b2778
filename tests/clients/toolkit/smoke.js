// druid-query-toolkit as the web console drives it: three header rows, native queries in their plain shapes, errors.
// node smoke.js http://host:port; one line a check: "ok      name" or "FAILED  name: what".
const { QueryRunner, SqlQuery } = require('druid-query-toolkit');

const where = process.argv[2];
const runner = new QueryRunner({
  inflateDateStrategy: 'fromSqlTypes',
  executor: async ({ payload, isSql }) => {
    const reply = await fetch(where + '/druid/v2' + (isSql ? '/sql' : ''), {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(payload) });
    const data = await reply.json();
    if (!reply.ok)
      throw new Error(data.errorMessage);
    return { data, headers: Object.fromEntries(reply.headers) };
  },
});

function check(name, got, want) {
  const a = JSON.stringify(got), b = JSON.stringify(want);
  console.log(a === b ? `ok      ${name}` : `FAILED  ${name}: want ${b}, got ${a}`);
}

const table = { type: 'table', name: 'letters' };
const all = { type: 'intervals', intervals: ['2024-01-01T00:00:00Z/2024-01-04T00:00:00Z'] };
const count = [{ type: 'count', name: 'c' }];

async function main() {
  const star = await runner.runQuery({ query: 'SELECT * FROM letters ORDER BY n LIMIT 2' });
  check('columns', star.header.map(c => [c.name, c.nativeType, c.sqlType]),
    [['__time', 'LONG', 'TIMESTAMP'], ['k', 'STRING', 'VARCHAR'], ['n', 'LONG', 'BIGINT']]);
  check('times become dates', star.rows[0][0] instanceof Date, true);
  check('rows', star.rows.map(r => r.slice(1)), [['a', 0], ['b', 1]]);
  check('sql query id', typeof star.sqlQueryId, 'string');
  const written = SqlQuery.parse('SELECT "k", COUNT(*) AS "c" FROM "letters" GROUP BY 1').changeOrderByExpressions([
    require('druid-query-toolkit').C('k').toOrderByExpression('DESC')]);
  check('a statement that it wrote', (await runner.runQuery({ query: written })).rows, [['c', 10], ['b', 10], ['a', 10]]);
  check('no rows', (await runner.runQuery({ query: "SELECT k FROM letters WHERE k = 'nobody'" })).header.length, 1);
  check('parameters', (await runner.runQuery({ query: 'SELECT COUNT(*) FROM letters WHERE n < ?',
    queryParameters: [{ type: 'INTEGER', value: 7 }] })).rows, [[7]]);
  const native = async query => (await runner.runQuery({ query: Object.assign({ dataSource: table, intervals: all }, query) }));
  const names = result => result.header.map(c => c.name);
  const scan = await native({ queryType: 'scan', columns: ['k', 'n'], resultFormat: 'compactedList', limit: 2 });
  check('scan', [names(scan), scan.rows], [['k', 'n'], [['a', 0], ['a', 3]]]);
  const top = await native({ queryType: 'topN', granularity: 'all', dimension: 'k', metric: 's', threshold: 2,
    aggregations: [{ type: 'longSum', name: 's', fieldName: 'n' }] });
  check('topN', top.rows.map(r => r.slice(-2)), [['c', 155], ['b', 145]]);
  const groups = await native({ queryType: 'groupBy', granularity: 'all', dimensions: ['k'], aggregations: count });
  check('groupBy', groups.rows.map(r => r.slice(-2)), [['a', 10], ['b', 10], ['c', 10]]);
  const series = await native({ queryType: 'timeseries', granularity: 'day', aggregations: count });
  check('timeseries', series.rows.map(r => r[r.length - 1]), [10, 10, 10]);
  let words = '';
  try {
    await runner.runQuery({ query: 'SELEC 1' });
  } catch (error) {
    words = error.message;
  }
  check('error', /line \[1\]/.test(words), true);
}

main().catch(error => console.log(`FAILED  toolkit: ${error.stack}`));
