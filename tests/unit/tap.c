/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <CUnit/TestRun.h>
#include <stdio.h>

static unsigned int number;
static unsigned int failed;

static void case_done(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	(void)suite;
	printf("%sok %u - %s\n", failures ? "not " : "", ++number, test->pName);
	for (CU_pFailureRecord f = failures; f; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	if (failures)
		failed++;
	fflush(stdout);
}

int tap_run(const char *suite_name, const struct tap_case *cases, unsigned int n)
{
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (unsigned int i = 0; suite && i < n; i++)
		if (!CU_add_test(suite, cases[i].name, cases[i].run))
			return 2;
	printf("1..%u\n", n);
	CU_set_test_complete_handler(case_done);
	if (!suite || CU_run_all_tests() != CUE_SUCCESS)
		return 2;
	CU_cleanup_registry();
	return failed || number != n ? 1 : 0;
}
