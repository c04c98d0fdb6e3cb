# The same Rao-Scott tests by R's survey package: Rscript survey_tables.R FOLDER REPEATS
# Only the tests are timed. Needs (Debian): r-base-core r-cran-survey

suppressMessages(library(survey))
given <- commandArgs(trailingOnly = TRUE)
folder <- given[1]
repeats <- as.integer(given[2])

columns <- read.csv(file.path(folder, "columns.csv"))
rows <- columns$rows[1]
file <- file(file.path(folder, "codes.bin"), "rb")
frame <- list()
for (name in columns$name) {
  codes <- readBin(file, integer(), rows)
  codes[codes == 0] <- NA
  frame[[name]] <- codes
}
close(file)
frame <- as.data.frame(frame)
frame$one <- 1
pairs <- read.csv(file.path(folder, "pairs.csv"))
design <- svydesign(id = ~cluster, weights = ~one, data = frame)

run <- function() {
  answers <- matrix(NA_real_, nrow(pairs), 4, dimnames = list(NULL, c("f", "df1", "df2", "p")))
  for (i in seq_len(nrow(pairs))) {
    question <- pairs$question[i]
    breakdown <- pairs$breakdown[i]
    sample <- design
    if (pairs$whole[i] == 0) {
      sample <- design[!is.na(frame[[question]]) & !is.na(frame[[breakdown]]), ]
    }
    test <- svychisq(as.formula(paste("~", question, "+", breakdown)), sample, statistic = "F")
    answers[i, ] <- c(test$statistic, test$parameter, test$p.value)
  }
  answers
}

cpu <- wall <- c()
for (i in seq_len(repeats)) {
  spent <- system.time(answers <- run())
  cpu <- c(cpu, spent[["user.self"]] + spent[["sys.self"]])
  wall <- c(wall, spent[["elapsed"]])
  if (cpu[1] > 60) break
}
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("[^0-9]", "", grep("^VmHWM", status, value = TRUE))) / 1024
write.csv(format(as.data.frame(answers), digits = 17, trim = TRUE),
          file.path(folder, "r_survey.csv"), row.names = FALSE, quote = FALSE)
cat(sprintf('{"cpu": [%s], "wall": [%s], "peak_mb": %s}',
            paste(cpu, collapse = ", "), paste(wall, collapse = ", "), peak),
    file = file.path(folder, "r_survey.json"))
