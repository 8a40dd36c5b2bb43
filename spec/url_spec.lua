-- The functions that need no session: dates.

local hinternet = require "hinternet"

describe("A date", function()
  it("is written in one form and read in many", function()
    local text = "Mon, 28 Jul 2008 10:05:52 GMT"
    assert.equal(text, hinternet.format_date(1217239552))
    for _, form in ipairs {
      text, text .. "\n", " mon 28 jul 2008 10 05 52", "Monday, 28-Jul-08 10:05:52 GMT",
      "Mon Jul 28 10:05:52 2008", "28 Jul 2008 10:05:52", "28-jul-2008 10:5:52\r\n",
      "Mon, 28 Jul 2008 12:05:52 +0200",
    } do
      assert.equal(1217239552, hinternet.parse_date(form), form)
    end
  end)

  it("that lacks a part, or says another zone by name, is none", function()
    for _, form in ipairs {
      "", "junk", "Mon", "Mon, 28 Jul 2008", "Mon, 28 Jul 2008 10:05", "1217239552",
      "Mon, 28 Jul 2008 10:05:52 PST", "2008-07-28T10:05:52Z", "Mon, 28 Jul 2008 10:05:52\0",
    } do
      assert.equal(87, (select(3, hinternet.parse_date(form))), form)
    end
  end)
end)
