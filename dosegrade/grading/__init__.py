"""Values in, marks and mistakes out; nothing here touches a file, a process or a student's code."""
