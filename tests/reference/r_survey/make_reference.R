# Reference answers for ncpi_eval/survey/clusters.py, from R's survey and clubSandwich packages.
#
# Run in this folder: Rscript make_reference.R
# Needs (Debian): r-base-core r-cran-survey r-cran-clubsandwich
# Writes apiclus1.csv, apiclus2.csv, apistrat.csv, nhanes.csv (only the columns used here, as they
# ship with survey) and answers.csv (case, quantity, value).

suppressMessages({library(survey); library(clubSandwich)})
options(warn = 1)
data(api)
data(nhanes)

carry <- function(frame, columns, file) {
  frame <- frame[, columns]
  names(frame) <- gsub(".", "_", tolower(columns), fixed = TRUE)
  write.csv(frame, file, row.names = FALSE, quote = FALSE, na = "")
}
carry(apiclus1, c("dnum", "stype", "awards", "sch.wide", "api00", "enroll", "api.stu", "pw", "fpc"),
      "apiclus1.csv")
carry(apiclus2, c("dnum", "stype", "awards", "sch.wide", "api00", "enroll", "api.stu", "pw", "fpc1"),
      "apiclus2.csv")
carry(apistrat, c("stype", "awards", "sch.wide", "api00", "enroll", "api.stu", "pw", "fpc"),
      "apistrat.csv")
nhanes$agegroup <- as.integer(nhanes$agecat)
carry(nhanes, c("SDMVSTRA", "SDMVPSU", "WTMEC2YR", "HI_CHOL", "race", "agegroup"),
      "nhanes.csv")

answers <- data.frame()
note <- function(case, quantity, value)
  answers <<- rbind(answers, data.frame(case, quantity, value = sprintf("%.15g", value)))

note_mean <- function(case, formula, design, deff) {
  m <- svymean(formula, design, deff = deff, na.rm = TRUE)
  note(case, paste0(names(coef(m)), ".estimate"), coef(m))
  note(case, paste0(names(coef(m)), ".std_error"), SE(m))
  d <- deff(m)
  note(case, paste0(names(coef(m)), ".design_effect"), if (is.matrix(d)) diag(d) else d)
}
note_ratio <- function(case, numerator, denominator, design, deff) {
  r <- svyratio(numerator, denominator, design, deff = deff, na.rm = TRUE)
  note(case, "estimate", coef(r))
  note(case, "std_error", SE(r))
  note(case, "design_effect", deff(r))
}
note_test <- function(case, formula, design) {
  f <- svychisq(formula, design, statistic = "F")
  x <- svychisq(formula, design, statistic = "Chisq")
  note(case, c("f", "df1", "df2", "p_f"), c(f$statistic, f$parameter, f$p.value))
  note(case, c("x2", "df", "p_chi2"), c(x$statistic, x$parameter, x$p.value))
}
note_interval <- function(case, formula, design) {
  p <- svyciprop(formula, design, method = "xlogit")
  note(case, c("estimate", "low", "high", "df"), c(coef(p), attr(p, "ci"), degf(design)))
}

# One-stage cluster sample, with weights; with and without the finite population correction
clus1 <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
clus1_wr <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1)
clus1_plain <- svydesign(id = ~dnum, weights = ~1, data = apiclus1)
note_mean("clus1.stype.deff_true", ~stype, clus1, TRUE)
note_mean("clus1.stype", ~stype, clus1, "replace")
note_mean("clus1_wr.stype", ~stype, clus1_wr, "replace")
note_mean("clus1_plain.stype", ~stype, clus1_plain, "replace")
note_mean("clus1.api00", ~api00, clus1, "replace")
note_ratio("clus1.ratio", ~api.stu, ~enroll, clus1, "replace")
note_ratio("clus1.ratio.deff_true", ~api.stu, ~enroll, clus1, TRUE)
note_interval("clus1.awards.interval", ~I(awards == "Yes"), clus1)
note_test("clus1.sch_wide.stype", ~sch.wide + stype, clus1)
note_test("clus1_wr.sch_wide.stype", ~sch.wide + stype, clus1_wr)
note_test("clus1_plain.awards.stype", ~awards + stype, clus1_plain)

# A domain: high schools only; districts without one stay in the design with a total of 0
high <- subset(clus1, stype != "E")
note_mean("clus1.high.awards", ~I(as.numeric(awards == "Yes")), high, "replace")
note_test("clus1.high.awards.sch_wide", ~awards + sch.wide, high)

# Two-stage sample treated as an ultimate-cluster design: districts, first-stage population only
clus2 <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc1, data = apiclus2)
note_mean("clus2.stype", ~stype, clus2, "replace")
note_ratio("clus2.ratio", ~api.stu, ~enroll, clus2, "replace")
note_test("clus2.awards.stype", ~awards + stype, clus2)

# Stratified sample of schools: every row is its own sampling unit
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
note_mean("strat.awards", ~awards, strat, "replace")
note_mean("strat.awards.deff_true", ~awards, strat, TRUE)
note_mean("strat.api00", ~api00, strat, "replace")
note_ratio("strat.ratio", ~api.stu, ~enroll, strat, "replace")
note_test("strat.awards.sch_wide", ~awards + sch.wide, strat)

# Strata by sampling units (numbered again in each stratum), weights, missing answers
nh <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE, data = nhanes)
note_mean("nhanes.hi_chol", ~HI_CHOL, nh, "replace")
note_mean("nhanes.agegroup", ~factor(agegroup), nh, "replace")
note_test("nhanes.hi_chol.race", ~HI_CHOL + race, subset(nh, !is.na(HI_CHOL)))
note_test("nhanes.agegroup.race", ~agegroup + race, nh)

# A stratum left with one sampling unit, under two of R's policies
lonely <- nhanes[!(nhanes$SDMVSTRA == 75 & nhanes$SDMVPSU == 1), ]
for (policy in c("certainty", "adjust")) {
  options(survey.lonely.psu = policy)
  one <- svydesign(id = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                   data = lonely)
  note_mean(paste0("lonely.", policy), ~HI_CHOL, one, "replace")
}

# CR2 with Satterthwaite degrees of freedom, unweighted
note_cr2 <- function(case, formula, frame, cluster) {
  fit <- lm(formula, data = frame)
  t <- coef_test(fit, vcov = "CR2", cluster = frame[[cluster]], test = "Satterthwaite")
  last <- nrow(t)
  df <- if ("df_Satt" %in% names(t)) t$df_Satt[last] else t$df[last]
  p <- if ("p_Satt" %in% names(t)) t$p_Satt[last] else t$p_val[last]
  note(case, c("estimate", "std_error", "df", "p"), c(t$beta[last], t$SE[last], df, p))
}
for (name in c("apiclus1", "apiclus2")) {
  frame <- get(name)
  frame$award <- as.numeric(frame$awards == "Yes")
  frame$primary <- as.numeric(frame$stype == "E")
  note_cr2(paste0(name, ".award"), award ~ 1, frame, "dnum")
  # groups that clusters share, and groups in which every cluster lies as a whole
  note_cr2(paste0(name, ".award.primary"), award ~ primary, frame, "dnum")
  frame$part <- as.numeric(frame$dnum > median(frame$dnum))
  note_cr2(paste0(name, ".award.part"), award ~ part, frame, "dnum")
  note(paste0(name, ".award.part"), "median_dnum", median(frame$dnum))
}

write.csv(answers, "answers.csv", row.names = FALSE, quote = FALSE)
cat(nrow(answers), "answers;", R.version.string, "; survey", as.character(packageVersion("survey")),
    "; clubSandwich", as.character(packageVersion("clubSandwich")), "\n")
