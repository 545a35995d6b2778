// Cube's Druid driver: schema, parameters (all of them VARCHAR), column types from the header row, errors.
// node smoke.js http://host:port; one line a check: "ok      name" or "FAILED  name: what".
const { DruidDriver } = require('@cubejs-backend/druid-driver');

const driver = new DruidDriver({ url: process.argv[2], dataSource: 'default' });

function check(name, got, want) {
  const a = JSON.stringify(got), b = JSON.stringify(want);
  console.log(a === b ? `ok      ${name}` : `FAILED  ${name}: want ${b}, got ${a}`);
}

async function trouble(promise) {
  try {
    await promise;
    return '';
  } catch (error) {
    return error.message;
  }
}

async function main() {
  await driver.testConnection();
  const schema = await driver.tablesSchema();
  check('schema', schema.druid.letters.map(c => [c.name, c.type]).sort(), [['__time', 'TIMESTAMP'], ['k', 'VARCHAR'], ['n', 'BIGINT']]);
  check('tables', (await driver.getTablesQuery('druid')).map(t => t.TABLE_NAME), ['letters']);
  check('rows', await driver.query('SELECT k, COUNT(*) AS c FROM letters WHERE k = ? GROUP BY 1', ['a']), [{ k: 'a', c: 10 }]);
  check('a number as text', await driver.query('SELECT COUNT(*) AS c FROM letters WHERE n > ?', ['19']), [{ c: 10 }]);
  check('times as text', await driver.query(
    'SELECT COUNT(*) AS c FROM letters WHERE __time >= TIME_PARSE(?) AND __time < TIME_PARSE(?)',
    ['2024-01-02T00:00:00.000Z', '2024-01-03T00:00:00.000Z']), [{ c: 10 }]);
  check('no rows', await driver.query('SELECT k FROM letters WHERE k = ?', ['nobody']), []);
  const result = await driver.downloadQueryResults(
    'SELECT TIME_FLOOR(__time, \'P1D\') AS d, k, SUM(n) AS s, AVG(n * 1.0) AS a FROM letters GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 1', [], {});
  check('types', result.types, [{ name: 'd', type: 'timestamp' }, { name: 'k', type: 'text' }, { name: 's', type: 'bigint' },
    { name: 'a', type: 'double' }]);
  check('typed rows', result.rows, [{ d: '2024-01-01T00:00:00.000Z', k: 'a', s: 18, a: 4.5 }]);
  check('error', /nothing_here/.test(await trouble(driver.query('SELECT nothing_here FROM letters'))), true);
}

main().catch(error => console.log(`FAILED  cube: ${error.stack}`));
