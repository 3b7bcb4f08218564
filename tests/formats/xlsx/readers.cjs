// What SheetJS and exceljs see of workbooks: node readers.cjs FILE..., as JSON to the standard output.
// Of each file and reader: the sheets with their cells, row by row, and how many cells are formulas or errors.
const ExcelJS = require("exceljs");
const XLSX = require("xlsx");

function sheetjs(path) {
  const book = XLSX.readFile(path, { cellFormula: true });
  const sheets = {};
  let live = 0;
  for (const name of book.SheetNames) {
    const sheet = book.Sheets[name];
    live += Object.values(sheet).filter((cell) => cell && (cell.f || cell.t === "e")).length;
    sheets[name] = XLSX.utils.sheet_to_json(sheet, { header: 1, raw: true, defval: null, blankrows: true });
  }
  return { sheets, live };
}

async function exceljs(path) {
  const book = new ExcelJS.Workbook();
  await book.xlsx.readFile(path);
  const sheets = {};
  let live = 0;
  for (const sheet of book.worksheets) {
    const found = [];
    sheet.eachRow({ includeEmpty: true }, (row) => {
      const cells = [];
      row.eachCell({ includeEmpty: true }, (cell) => {
        live += [ExcelJS.ValueType.Formula, ExcelJS.ValueType.Error].includes(cell.type);
        cells.push(cell.value);
      });
      found.push(cells);
    });
    sheets[sheet.name] = found;
  }
  return { sheets, live };
}

(async () => {
  const told = [];
  for (const path of process.argv.slice(2)) told.push({ sheetjs: sheetjs(path), exceljs: await exceljs(path) });
  process.stdout.write(JSON.stringify(told));
})();
